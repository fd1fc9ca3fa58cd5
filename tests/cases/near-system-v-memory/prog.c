#include "near.h"
int tree(void)
{
	int id = NEED(shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
	sem_t *s = NEED(shmat(id, NULL, 0));
	char text[20];

	sem_init(s, 1, 0);
	snprintf(text, sizeof text, "%d", id);
	save("id", text);
	sem_wait(s);
	return shmctl(id, IPC_RMID, NULL);
}

int outside(void)
{
	char text[20];

	ready();
	load("id", text, sizeof text);
	nap(LATE_S);
	return sem_post(NEED(shmat(atoi(text), NULL, 0)));
}

#include "near.h"
int tree(void)
{
	char name[40];
	sem_t *s;

	snprintf(name, sizeof name, "/near-%d", getpid());
	s = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	if (s == SEM_FAILED)
		return 1;
	save("name", name);
	sem_wait(s);
	return sem_unlink(name);
}

int outside(void)
{
	char name[40];
	sem_t *s;

	ready();
	load("name", name, sizeof name);
	nap(LATE_S);
	s = sem_open(name, 0);
	return s == SEM_FAILED ? 1 : sem_post(s);
}

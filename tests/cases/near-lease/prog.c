#include "near.h"
int tree(void)
{
	int fd = NEED(open("leased", O_CREAT | O_RDONLY, 0600));

	expect(SIGUSR1);
	NEED(fcntl(fd, F_SETSIG, SIGUSR1));
	NEED(fcntl(fd, F_SETLEASE, F_RDLCK));
	save("go", "x");
	wait_for(SIGUSR1);
	return fcntl(fd, F_SETLEASE, F_UNLCK);
}

int outside(void)
{
	char text[2];

	ready();
	load("go", text, sizeof text);
	nap(LATE_S);
	NEED(open("leased", O_WRONLY));
	return 0;
}

/* Writes 200000 bytes into a pipe; a signal that it has left at "ignored by default" comes in the middle. Prints what write returned. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WHOLE = 200000 };

/** Blocked in write (system call 1 of x86-64). */
static int writes(pid_t pid)
{
	char path[64], text[64] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/syscall", pid);
	if (!(file = fopen(path, "r")))
		return 0;
	if (!fgets(text, sizeof text, file))
		text[0] = 0;
	fclose(file);
	return strncmp(text, "1 ", 2) == 0;
}

int main(void)
{
	static char data[WHOLE];
	int ends[2], status;
	long got = 0, step;
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0)
		return 1;
	if (pid == 0) {
		close(ends[0]);
		printf("%zd of %d\n", write(ends[1], data, WHOLE), WHOLE);
		return 0;
	}
	close(ends[1]);
	while (!writes(pid))
		usleep(1000);
	kill(pid, SIGWINCH);
	while ((step = read(ends[0], data, sizeof data)) > 0)
		got += step;
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	printf("%ld read, status %d\n", got, status);
	return 0;
}

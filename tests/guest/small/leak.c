/* To be built with -fsanitize=address: the leak is found at exit, by a thread that traces the others. */
#include <stdlib.h>

static char *volatile kept;

int main(void)
{
	kept = malloc(77);
	kept = NULL;
	return 0;
}

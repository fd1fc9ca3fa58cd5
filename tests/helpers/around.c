/* What a program sees of its environment: the strings of environ, /proc/self/environ without the NULs behind it, and the types of what
 * lies behind envp's NULL as Go's runtime reads it (getauxval(3)), without the pairs that mean nothing. */
#include <elf.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	const unsigned long *word;
	static char block[1 << 20];
	FILE *f = fopen("/proc/self/environ", "r");
	size_t n = f ? fread(block, 1, sizeof block, f) : 0;

	(void)argc, (void)argv;
	printf("same array: %d\n", envp == environ);
	for (; *envp; envp++)
		printf("%s\n", *envp);
	while (n && !block[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		putchar(block[i] ? block[i] : '|');
	putchar('\n');
	for (word = (const unsigned long *)(envp + 1); word[0] != AT_NULL; word += 2)
		if (word[0] != AT_IGNORE)
			printf("%lu ", word[0]);
	putchar('\n');
	return f ? fclose(f) : 1;
}

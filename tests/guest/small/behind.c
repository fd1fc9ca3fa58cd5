/* Prints what lies behind the NULL of envp, as Go's runtime reads it: the types of the auxiliary vector (getauxval(3)), without the
 * pairs that mean nothing (AT_IGNORE), and the size of a page. */
#include <elf.h>
#include <stdio.h>

int main(int argc, char **argv, char **envp)
{
	const unsigned long *word;

	(void)argc, (void)argv;
	while (*envp)
		envp++;
	word = (const unsigned long *)(envp + 1);
	for (; word[0] != AT_NULL; word += 2) {
		if (word[0] == AT_IGNORE)
			continue;
		printf("%lu ", word[0]);
		if (word[0] == AT_PAGESZ)
			printf("(%lu) ", word[1]);
	}
	putchar('\n');
	return 0;
}

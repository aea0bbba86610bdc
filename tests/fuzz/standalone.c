/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over the files of directories, without libFuzzer. Fails when
 * there are none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One file; false when it cannot be read. */
static int run_file(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data = malloc(1u << 20);
	size_t n = 0;

	if (f && data) {
		n = fread(data, 1, 1u << 20, f);
		/* of its own size, so that a read past the end is seen */
		data = realloc(data, n ? n : 1);
		LLVMFuzzerTestOneInput(data, n);
	}
	if (f)
		fclose(f);
	free(data);
	return f != NULL;
}

/* All files of a directory in the order of their names; how many, -1 on an error. */
static int run_directory(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), done = 0;

	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
		if (*names[i]->d_name != '.' && done >= 0) {
			printf("%s\n", file);
			fflush(stdout);
			done = run_file(file) ? done + 1 : -1;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return done;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int n = run_directory(argv[i]);

		if (n <= 0) {
			fprintf(stderr, "%s: no inputs\n", argv[i]);
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
	}
	return argc < 2;
}

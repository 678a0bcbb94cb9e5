/* SPDX-License-Identifier: MIT */
/*
 * replay: main() of a fuzz target without a fuzzer: gives it every file of its corpus, as TAP.
 * The corpus is t/fuzz/corpus/NAME for a program fuzz_NAME, or the files and folders on the
 * command line.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int count, failed;

/* A copy of exactly the file's size, so that a sanitizer sees every byte read beyond. */
static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	long size = -1;
	uint8_t *bytes;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	if (size < 0 || fseek(f, 0, SEEK_SET) != 0) {
		printf("not ok %d - %s: %s\n", ++count, path, strerror(errno));
		failed++;
		return;
	}
	bytes = malloc(size > 0 ? (size_t)size : 1);
	if (bytes != NULL && fread(bytes, 1, size, f) == (size_t)size) {
		LLVMFuzzerTestOneInput(bytes, size);
		printf("ok %d - %s\n", ++count, path);
	}
	free(bytes);
	fclose(f);
}

static void
replay(const char *path)
{
	char inside[4096];
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
		replay_file(inside);
	}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	const char *source = getenv("STONECHAT_SOURCE"), *name = strrchr(argv[0], '/');
	char corpus[4096];

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		name = name == NULL ? argv[0] : name + 1;
		if (strncmp(name, "lt-", 3) == 0)
			name += 3;
		if (strncmp(name, "fuzz_", 5) == 0)
			name += 5;
		snprintf(corpus, sizeof(corpus), "%s/t/fuzz/corpus/%s",
			source == NULL ? "." : source, name);
		replay(corpus);
	}
	printf("1..%d\n", count);
	return failed > 0;
}

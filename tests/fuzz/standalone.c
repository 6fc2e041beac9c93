// SPDX-License-Identifier: MIT
/*
 * main() of a fuzz target without libFuzzer: replays the files named on the
 * command line; without any, runs on made-up inputs, the same ones each time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUTS		2000
#define MAX_INPUT	(1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[MAX_INPUT];

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	LLVMFuzzerTestOneInput(input, size);
	printf("%s: %zu bytes\n", path, size);
	return 0;
}

static void made_up(void)
{
	uint32_t seed = 1;

	for (int i = 0; i < INPUTS; i++) {
		size_t size;

		seed = seed * 1664525 + 1013904223;
		size = (seed >> 16) % 512;
		for (size_t j = 0; j < size; j++) {
			seed = seed * 1664525 + 1013904223;
			input[j] = (uint8_t)(seed >> 24);
		}
		LLVMFuzzerTestOneInput(input, size);
	}
	printf("%d made-up inputs\n", INPUTS);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 1)
		made_up();
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	return failed;
}

// SPDX-License-Identifier: MIT
#include "tests.h"

int main(void)
{
	return run_gradient_tests() + run_quantized_tests() + run_error_tests();
}

// SPDX-License-Identifier: MIT
#include "tests.h"

int main(void)
{
	return run_gradient_tests();
}

/* What every unit test includes; cmocka wants these before itself. */
#ifndef KANSO_TESTS_UNIT_H
#define KANSO_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#endif

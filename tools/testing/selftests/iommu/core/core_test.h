/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kselftest harness with a longer patience: a kernel with sanitizers in an emulator
 * on a busy machine takes minutes for what a plain one does in a second. It ends tests
 * that hang, nothing else; how long one may take is not what is tested.
 */
#ifndef CORE_TEST_H
#define CORE_TEST_H

#include <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	1200

#endif

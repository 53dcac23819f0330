/* SPDX-License-Identifier: Apache-2.0 */
/* A derived scalar that comes out as 0 (chance 2^-255) is derived again from Tr("ctr"; info, n). */
#include "wire/fault.h"

#include <blst.h>

static bool sometimes_zero(blst_scalar *out, const byte *in, size_t n);

#define blst_scalar_from_le_bytes sometimes_zero
#include "core/hash.c"
#undef blst_scalar_from_le_bytes

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static unsigned zeros; /* how many tries come out as 0 */

static bool sometimes_zero(blst_scalar *out, const byte *in, size_t n)
{
    bool found = blst_scalar_from_le_bytes(out, in, n);
    if (zeros == 0)
        return found;
    zeros--;
    *out = (blst_scalar){{0}};
    return false;
}

static void derive_after(unsigned count, bcemr_secret_scalar *out)
{
    zeros = count;
    assert_int_equal(bcemr_kdf_scalar("grant", bcemr_text("key"), bcemr_text("info"), out),
                     BCEMR_OK);
    assert_int_equal(zeros, 0);
}

static void zero_is_derived_again(void **state)
{
    (void)state;
    for (uint64_t count = 1; count < 4; count++) {
        bcemr_secret_scalar got, due;
        bcemr_buf info = BCEMR_BUF_EMPTY;
        uint8_t number[8];
        derive_after((unsigned)count, &got);
        bcemr_store_u64(number, count);
        const bcemr_span fields[] = {bcemr_text("info"), bcemr_span_of(number, 8)};
        assert_int_equal(bcemr_write_fields("ctr", fields, 2, &info), BCEMR_OK);
        assert_int_equal(bcemr_kdf_scalar("grant", bcemr_text("key"), bcemr_buf_span(&info), &due),
                         BCEMR_OK);
        assert_memory_equal(&got, &due, sizeof got);
        bcemr_buf_free(&info);
    }
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    bcemr_secret_scalar got = {{1}};
    for (uint64_t n = 1; n <= 3; n++) {
        zeros = 1;
        bcemr_switch_fail_allocation(n);
        assert_int_equal(bcemr_kdf_scalar("grant", bcemr_text("key"), bcemr_text("info"), &got),
                         BCEMR_E_NO_MEMORY);
        assert_true(sodium_is_zero(got.b, sizeof got.b));
    }
    bcemr_switch_fail_allocation(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_derived_again),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

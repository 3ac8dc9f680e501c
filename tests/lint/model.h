/*
 * For clang-tidy only (tidy.sh includes it in front of every file): what err_set and err_sys return
 * is never ERR_OK. Without that the analyser follows a failure into code behind a TRY.
 */
#ifndef TESTS_LINT_MODEL_H
#define TESTS_LINT_MODEL_H

#include "core/base/err.h"

static inline enum err model_failure(enum err code, const char *fmt)
{
    if (code == ERR_OK || fmt == 0)
        __builtin_unreachable();
    return code;
}

#define err_set(code, fmt, ...) model_failure(code, fmt)
#define err_sys(code, fmt, ...) model_failure(code, fmt)

#endif

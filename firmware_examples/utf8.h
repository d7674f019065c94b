/* Whether bytes are UTF-8 as Unicode defines it. */
#ifndef FOGBANK_UTF8_H
#define FOGBANK_UTF8_H

#include "span.h"

/* Returns 0 for overlong forms, surrogates and code points above U+10FFFF too. */
int is_utf8(Span text);

#endif

#ifndef TRIBE_CHTTPPARSER_SHIM_H
#define TRIBE_CHTTPPARSER_SHIM_H

#include <http_parser.h>

// Bit fields of http_parser, which Swift imports on some compilers only.
static inline unsigned tribe_parser_status(const http_parser *p) { return p->status_code; }
static inline unsigned tribe_parser_method(const http_parser *p) { return p->method; }
static inline unsigned tribe_parser_errno(const http_parser *p) { return p->http_errno; }
static inline unsigned tribe_parser_flags(const http_parser *p) { return p->flags; }

#endif

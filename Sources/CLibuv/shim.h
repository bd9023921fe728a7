// What Swift cannot import from libuv: variadic functions and casts between handle types.
#ifndef TRIBE_CLIBUV_SHIM_H
#define TRIBE_CLIBUV_SHIM_H

#include <sys/socket.h>
#include <uv.h>

#endif

#ifndef TRIBE_CXXHASH_SHIM_H
#define TRIBE_CXXHASH_SHIM_H

#include <xxhash.h>

#endif

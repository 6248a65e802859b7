#include "lib/os/sock_diag.h"

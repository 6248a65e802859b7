#pragma once

/// One step of native unwinding by the exception tables that every x86-64 build carries
/// (.eh_frame_hdr and .eh_frame), so that code without frame pointers can be walked. Own
/// interpreter: no allocation, no lock, bounded work per step. Sources: Linux Standard Base core
/// 10.6 (.eh_frame), DWARF 5 sections 2.5 and 6.4.
#include "lib/os/elf.h"
#include "lib/os/memory_source.h"
#include "lib/os/registers.h"

namespace triage::os {

/// From the registers inside of a function to those of its caller. `bias` is the address in the
/// process minus the address in the file. False when the tables do not cover the place, or when a
/// register that the step needs is not known: `registers` are then as before.
bool unwind_by_table(const ElfFile& file, std::uint64_t bias, bool is_return_address,
                     const MemorySource& memory, Registers& registers);

}  // namespace triage::os

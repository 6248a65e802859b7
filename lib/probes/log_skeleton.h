#pragma once

#include <string>
#include <string_view>

namespace triage::probes::logs {

/// Stands for a parameter in a skeleton; no control character is kept from a message.
constexpr char parameter_mark = '\x01';

/// What a message is without the values that its form gives away, in one pass and without a regular
/// expression:
///
///   "Served block blk_-77 to /10.251.203.80 in 1.5 s"  ->  "Served block ? to ? in ?"
///   "auth failure; uid=0 user=root code=EPERM"         ->  "auth failure; uid=? user=? code=EPERM"
///
/// A value is: a word with digits other than a short name ("ssh2", "jk2_init"), with its unit; an
/// address with a port; what stands behind "=", but for names in capitals (enumerations); a size
/// repeated in parentheses ("1165 bytes (1.1 KB)"). Values in a row are one. Words stay: whether
/// they are values is seen only from many messages (TemplateMiner).
///
/// `skeleton` is overwritten; at most `longest_message` bytes of the message are used.
constexpr std::size_t longest_message = 1000;
void write_skeleton(std::string_view message, std::string& skeleton);

/// Bytes that part words in a skeleton.
bool parts_words(char c);

}  // namespace triage::probes::logs

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace triage {

/// Fills at most `size` bytes at `to`; gives how many, 0 at the end.
using ReadBytes = std::function<std::size_t(char* to, std::size_t size)>;
/// The bytes of a text that outlives the reader.
ReadBytes read_from(std::string_view text);

/// Walks through a JSON text of any size (RFC 8259) in constant memory, value by value:
///
///   JsonCursor cursor(read_from(text));
///   cursor.object([&](std::string_view key) {
///     if (key == "spans") cursor.array([&] { ... cursor.skip(); });
///     else cursor.skip();
///   });
///   if (!cursor.whole()) ... cursor.problem()
///
/// Each callback takes exactly one value. Nothing is thrown: at a cut or an error the cursor stops,
/// says why, and gives empty values and no further items, so that the caller keeps what was whole
/// before. A value of another type than asked for is passed over and gives the empty value.
class JsonCursor {
 public:
  enum class Kind { object, array, text, number, boolean, null, none };

  explicit JsonCursor(ReadBytes read);

  Kind peek();  ///< of the next value; none at the end
  /// `member(key)` for each member; the key is valid until the value is read.
  template <class Member>
  void object(Member&& member) {
    if (!enter('{')) return;
    if (leave('}')) return;
    do {
      const std::string_view key = key_text();
      if (stopped_) return;
      member(key);
    } while (another('}'));
  }
  /// `item()` for each item.
  template <class Item>
  void array(Item&& item) {
    if (!enter('[')) return;
    if (leave(']')) return;
    do {
      item();
    } while (another(']'));
  }
  /// A text without its escapes; valid until the cursor moves on.
  std::string_view text();
  /// An integer, also when it is written as text ("1795503404372000000") or with a fraction, which
  /// is cut off; the nearest one when it does not fit.
  std::int64_t integer();
  double number();
  bool boolean();
  void skip();
  /// True when the text is over: nothing but white space behind the last value.
  bool at_end();

  /// False after a cut or an error.
  [[nodiscard]] bool whole() const { return !stopped_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }  ///< with the byte
  [[nodiscard]] std::uint64_t offset() const;                            ///< bytes read so far

 private:
  bool refill();
  char next();  ///< the next character that is not white space, not taken; 0 at the end
  bool enter(char open);
  bool leave(char close);
  bool another(char close);
  std::string_view key_text();
  std::string_view quoted(std::string& scratch, bool key);
  std::string_view scalar();
  void skip_text();
  void skip_nested();
  void stop(const std::string& why);

  ReadBytes read_;
  std::vector<char> buffer_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* pin_ = nullptr;  ///< start of a token that a refill must keep
  std::uint64_t base_ = 0;     ///< bytes before the buffer
  bool input_over_ = false;
  bool stopped_ = false;
  std::string problem_;
  std::string key_scratch_;
  std::string text_scratch_;
};

}  // namespace triage

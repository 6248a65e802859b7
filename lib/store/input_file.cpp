#include "lib/store/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "lib/base/error.h"

namespace triage::store {
namespace {

enum class Packing { none, gzip, zstd };

ErrorCode code_of(int reason) {
  if (reason == ENOENT || reason == ENOTDIR) return ErrorCode::not_found;
  return reason == EACCES || reason == EPERM ? ErrorCode::refused : ErrorCode::usage;
}

/// A descriptor that closes itself.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void cannot_open(const std::string& path, int reason) {
  throw Error(code_of(reason), fmt::format("{} cannot be read: {}", path, std::strerror(reason)),
              "check the path and its permissions");
}

int open_file(const std::string& path) {
  if (path == "-") {
    const int copy = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) cannot_open("standard input", errno);
    return copy;
  }
  // Opening must not wait for the writer of a pipe; reading may. O_NONBLOCK changes nothing for
  // files.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) cannot_open(path, errno);
  struct stat status {};
  const int reason = ::fstat(file, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (reason != 0) {
    ::close(file);
    cannot_open(path, reason);
  }
  ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return file;
}

}  // namespace

struct InputFile::State {
  explicit State(const std::string& path) : file(open_file(path)), buffer(std::size_t{1} << 17) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (packing == Packing::gzip) ::inflateEnd(&gzip);
    ::ZSTD_freeDStream(zstd);
  }

  /// Raw bytes of the file.
  std::size_t raw(char* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(file.get(), to, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) problem = fmt::format("reading failed: {}", std::strerror(errno));
      packed += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
      return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
  }

  void fill() {
    begin = 0;
    end = raw(buffer.data(), buffer.size());
  }

  /// Reads the first bytes and decides.
  void detect() {
    constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";
    while (end < 4) {
      const std::size_t got = raw(buffer.data() + end, buffer.size() - end);
      if (got == 0) break;
      end += got;
    }
    const std::string_view head(buffer.data(), end);
    if (head.substr(0, 2) == "\x1F\x8B") {
      constexpr int gzip_only = 15 + 16;  // zlib.h, inflateInit2: the largest window, gzip header
      if (::inflateInit2(&gzip, gzip_only) == Z_OK) packing = Packing::gzip;
    } else if (head.substr(0, 4) == zstd_magic) {
      zstd = ::ZSTD_createDStream();
      packing = Packing::zstd;
    }
  }

  std::size_t plain(char* to, std::size_t size) {
    if (begin == end) return raw(to, size);
    const std::size_t count = std::min(size, end - begin);
    std::memcpy(to, buffer.data() + begin, count);
    begin += count;
    return count;
  }

  std::size_t gunzip(char* to, std::size_t size) {
    gzip.next_out = reinterpret_cast<Bytef*>(to);
    gzip.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30));
    const uInt wanted = gzip.avail_out;
    while (gzip.avail_out == wanted && problem.empty()) {
      if (begin == end) fill();
      if (begin == end) {
        if (inside) problem = "the gzip stream ends too early";
        break;
      }
      gzip.next_in = reinterpret_cast<Bytef*>(buffer.data() + begin);
      gzip.avail_in = static_cast<uInt>(end - begin);
      const int status = ::inflate(&gzip, Z_NO_FLUSH);
      begin = end - gzip.avail_in;
      inside = status != Z_STREAM_END;
      if (status == Z_STREAM_END) {
        ::inflateReset(&gzip);  // the next member
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        problem = "the gzip stream is damaged";
      }
    }
    return wanted - gzip.avail_out;
  }

  std::size_t unzstd(char* to, std::size_t size) {
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos == 0 && problem.empty()) {
      if (begin == end) fill();
      if (begin == end) {
        if (inside) problem = "the Zstandard stream ends too early";
        break;
      }
      ZSTD_inBuffer in{buffer.data(), end, begin};
      const std::size_t left = ::ZSTD_decompressStream(zstd, &out, &in);
      begin = in.pos;
      inside = left != 0;
      if (::ZSTD_isError(left) != 0) problem = "the Zstandard stream is damaged";
    }
    return out.pos;
  }

  File file;
  std::vector<char> buffer;
  std::size_t begin = 0;  ///< of the bytes in the buffer that were not used yet
  std::size_t end = 0;
  std::uint64_t packed = 0;
  bool detected = false;
  bool inside = true;  ///< a packed member has begun and is not over
  Packing packing = Packing::none;
  z_stream gzip{};
  ZSTD_DStream* zstd = nullptr;
  std::string problem;
};

InputFile::InputFile(const std::string& path) : state_(std::make_unique<State>(path)) {}
InputFile::~InputFile() = default;

std::size_t InputFile::read(char* to, std::size_t size) {
  if (size == 0) return 0;
  if (!state_->detected) {
    state_->detected = true;
    state_->detect();
  }
  switch (state_->packing) {
    case Packing::gzip:
      return state_->gunzip(to, size);
    case Packing::zstd:
      return state_->unzstd(to, size);
    case Packing::none:
      break;
  }
  return state_->plain(to, size);
}

ReadBytes InputFile::reader() {
  return [this](char* to, std::size_t size) { return read(to, size); };
}

std::uint64_t InputFile::packed_bytes() const {
  return state_->packed;
}

const std::string& InputFile::problem() const {
  return state_->problem;
}

}  // namespace triage::store

#include "lib/store/packed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "lib/base/error.h"

namespace triage::store {
namespace {

[[noreturn]] void fail(const std::string& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  throw Error(full ? ErrorCode::budget : ErrorCode::usage,
              fmt::format("{} cannot be written: {}", path, std::strerror(reason)),
              full ? "free some space or choose another directory with --out"
                   : "choose another directory with --out");
}

}  // namespace

struct PackedFile::State {
  explicit State(std::string name)
      : path(std::move(name)),
        file(::open((path + ".part").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)),
        packer(ZSTD_createCCtx()),
        buffer(ZSTD_CStreamOutSize()) {
    const int reason = errno;
    if (file < 0) {
      ZSTD_freeCCtx(packer);
      fail(path, reason);
    }
    // Level 1 keeps up with V8, which writes 100 MB/s; a snapshot shrinks to a tenth.
    ZSTD_CCtx_setParameter(packer, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(packer, ZSTD_c_checksumFlag, 1);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    ZSTD_freeCCtx(packer);
    ::close(file);
  }

  void write_out(std::size_t size) {
    const char* at = buffer.data();
    packed += size;
    while (size > 0) {
      const ssize_t count = ::write(file, at, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path, errno);
      at += count;
      size -= static_cast<std::size_t>(count);
    }
  }

  /// `end`: ZSTD_e_continue, or ZSTD_e_end until nothing is left inside.
  void pack(std::string_view piece, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    std::size_t left = 1;
    while (in.pos < in.size || (end == ZSTD_e_end && left != 0)) {
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      left = ZSTD_compressStream2(packer, &out, &in, end);
      if (ZSTD_isError(left) != 0)
        throw Error(ErrorCode::internal, fmt::format("zstd: {}", ZSTD_getErrorName(left)));
      write_out(out.pos);
    }
    unpacked += piece.size();
  }

  std::string path;
  int file;
  ZSTD_CCtx* packer;
  std::vector<char> buffer;
  std::uint64_t unpacked = 0;
  std::uint64_t packed = 0;
};

PackedFile::PackedFile(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) fail(path, EEXIST);
  state_ = std::make_unique<State>(path);
}

PackedFile::~PackedFile() = default;

void PackedFile::write(std::string_view piece) {
  state_->pack(piece, ZSTD_e_continue);
}

void PackedFile::finish() {
  state_->pack({}, ZSTD_e_end);
  const std::string part = state_->path + ".part";
  if (std::rename(part.c_str(), state_->path.c_str()) != 0) fail(state_->path, errno);
}

std::uint64_t PackedFile::unpacked_bytes() const {
  return state_->unpacked;
}

std::uint64_t PackedFile::packed_bytes() const {
  return state_->packed;
}

}  // namespace triage::store

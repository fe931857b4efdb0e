// Transforms of Winograd's convolution F(2x2, 3x3) (Lavin & Gray 2016, section 4.1) in bf16, channels innermost.
//
// A picture [N, H, W, C] with even H and W is cut into T = N * H/2 * W/2 tiles of 4x4 that overlap by two; in their
// stead stand 16 planes of [T + SPARE, C], one for each element of a transformed tile. The spare rows are zero: they
// keep planes from sharing the sets of a cache. C is a multiple of 16.

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace {

using bf16 = uint16_t;
using Lanes = __m512;

constexpr int64_t WIDTH = 16;
constexpr int64_t SPARE = 5;

inline Lanes load(const bf16* from) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

inline void store(bf16* to, Lanes x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
}

inline Lanes half(Lanes x) { return _mm512_mul_ps(x, _mm512_set1_ps(0.5f)); }

inline void accumulate(float* to, Lanes x) { _mm512_storeu_ps(to, _mm512_loadu_ps(to) + x); }

// The 16 planes of one transformed operand: rows of tiles, or of outputs for the weights.
template <typename Element>
struct Planes {
  Element* start;
  int64_t rows, columns;

  Element* at(int plane, int64_t row) const { return start + (plane * rows + row) * columns; }

  void clear_spare(int64_t used) const {
    for (int plane = 0; plane < 16; plane++)
      std::memset(at(plane, used), 0, (rows - used) * columns * sizeof(Element));
  }
};

struct Shape {
  int64_t pictures, height, width;

  int64_t tiles() const { return pictures * (height / 2) * (width / 2); }

  int64_t pixel(int64_t picture, int64_t row, int64_t column) const {
    return (picture * height + row) * width + column;
  }

  // Calls visit(tile, picture, row, column) with the position of each tile's upper left output.
  template <typename Visit>
  void each_tile(Visit visit) const {
    int64_t tile = 0;
    for (int64_t picture = 0; picture < pictures; picture++)
      for (int64_t row = 0; row < height; row += 2)
        for (int64_t column = 0; column < width; column += 2) visit(tile++, picture, row, column);
  }
};

void copy_row(const float* from, bf16* to, int64_t count) {
  for (int64_t i = 0; i < count; i += WIDTH) store(to + i, _mm512_loadu_ps(from + i));
}

}  // namespace

extern "C" {

// U = G g G': weights [K, 3, 3, C] float to planes [16, K, C].
void transform_weights(const float* weights, bf16* out, int64_t outputs, int64_t channels) {
  const Planes<bf16> planes{out, outputs, channels};
  for (int64_t k = 0; k < outputs; k++)
    for (int64_t c = 0; c < channels; c += WIDTH) {
      Lanes rows[4][3];
      for (int j = 0; j < 3; j++) {
        const float* column = weights + (k * 9 + j) * channels + c;
        const Lanes top = _mm512_loadu_ps(column), middle = _mm512_loadu_ps(column + 3 * channels),
                    bottom = _mm512_loadu_ps(column + 6 * channels);
        rows[0][j] = top;
        rows[1][j] = half(top + bottom + middle);
        rows[2][j] = half(top + bottom - middle);
        rows[3][j] = bottom;
      }
      for (int i = 0; i < 4; i++) {
        const Lanes *x = rows[i], ends = x[0] + x[2];
        store(planes.at(4 * i, k) + c, x[0]);
        store(planes.at(4 * i + 1, k) + c, half(ends + x[1]));
        store(planes.at(4 * i + 2, k) + c, half(ends - x[1]));
        store(planes.at(4 * i + 3, k) + c, x[2]);
      }
    }
}

// G' dU G: gradient of the planes [16, K, C] to that of the weights [K, 3, 3, C] float.
void weight_gradient(const bf16* gradient, float* out, int64_t outputs, int64_t channels) {
  const Planes<const bf16> planes{gradient, outputs, channels};
  for (int64_t k = 0; k < outputs; k++)
    for (int64_t c = 0; c < channels; c += WIDTH) {
      Lanes rows[3][4];
      for (int j = 0; j < 4; j++) {
        const Lanes top = load(planes.at(j, k) + c), upper = load(planes.at(4 + j, k) + c),
                    lower = load(planes.at(8 + j, k) + c), bottom = load(planes.at(12 + j, k) + c);
        rows[0][j] = top + half(upper + lower);
        rows[1][j] = half(upper - lower);
        rows[2][j] = half(upper + lower) + bottom;
      }
      for (int i = 0; i < 3; i++) {
        const Lanes* x = rows[i];
        float* to = out + (k * 9 + i * 3) * channels + c;
        _mm512_storeu_ps(to, x[0] + half(x[1] + x[2]));
        _mm512_storeu_ps(to + channels, half(x[1] - x[2]));
        _mm512_storeu_ps(to + 2 * channels, half(x[1] + x[2]) + x[3]);
      }
    }
}

// V = B' d B: pictures [N, H, W, C], zero outside, to planes [16, T + SPARE, C].
void transform_input(const bf16* pictures, bf16* out, int64_t count, int64_t height, int64_t width, int64_t channels) {
  const Shape shape{count, height, width};
  const Planes<bf16> planes{out, shape.tiles() + SPARE, channels};
  planes.clear_spare(shape.tiles());
  const std::vector<bf16> outside(channels, 0);
  shape.each_tile([&](int64_t tile, int64_t picture, int64_t row, int64_t column) {
    const bf16* pixels[4][4];
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 4; j++) {
        const int64_t r = row - 1 + i, s = column - 1 + j;
        const bool inside = r >= 0 && r < height && s >= 0 && s < width;
        pixels[i][j] = inside ? pictures + shape.pixel(picture, r, s) * channels : outside.data();
      }
    for (int64_t c = 0; c < channels; c += WIDTH) {
      Lanes rows[4][4];
      for (int j = 0; j < 4; j++) {
        const Lanes d0 = load(pixels[0][j] + c), d1 = load(pixels[1][j] + c), d2 = load(pixels[2][j] + c),
                    d3 = load(pixels[3][j] + c);
        rows[0][j] = d0 - d2;
        rows[1][j] = d1 + d2;
        rows[2][j] = d2 - d1;
        rows[3][j] = d1 - d3;
      }
      for (int i = 0; i < 4; i++) {
        const Lanes* d = rows[i];
        store(planes.at(4 * i, tile) + c, d[0] - d[2]);
        store(planes.at(4 * i + 1, tile) + c, d[1] + d[2]);
        store(planes.at(4 * i + 2, tile) + c, d[2] - d[1]);
        store(planes.at(4 * i + 3, tile) + c, d[1] - d[3]);
      }
    }
  });
}

// B dV B': gradient of the planes [16, T + SPARE, C] to that of the pictures [N, H, W, C].
void input_gradient(const bf16* gradient, bf16* out, int64_t count, int64_t height, int64_t width, int64_t channels) {
  const Shape shape{count, height, width};
  const Planes<const bf16> planes{gradient, shape.tiles() + SPARE, channels};
  // Four rows of sums, one column wider on each side: those that the tiles of one row touch.
  const int64_t line = (width + 2) * channels;
  std::vector<float> sums(4 * line, 0.0f);
  float* rows[4] = {&sums[0], &sums[line], &sums[2 * line], &sums[3 * line]};
  shape.each_tile([&](int64_t tile, int64_t picture, int64_t row, int64_t column) {
    for (int64_t c = 0; c < channels; c += WIDTH) {
      Lanes d[4][4];
      for (int j = 0; j < 4; j++) {
        const Lanes v0 = load(planes.at(j, tile) + c), v1 = load(planes.at(4 + j, tile) + c),
                    v2 = load(planes.at(8 + j, tile) + c), v3 = load(planes.at(12 + j, tile) + c);
        d[0][j] = v0;
        d[1][j] = v1 - v2 + v3;
        d[2][j] = v1 + v2 - v0;
        d[3][j] = -v3;
      }
      for (int i = 0; i < 4; i++) {
        float* to = rows[i] + column * channels + c;
        accumulate(to, d[i][0]);
        accumulate(to + channels, d[i][1] - d[i][2] + d[i][3]);
        accumulate(to + 2 * channels, d[i][1] + d[i][2] - d[i][0]);
        accumulate(to + 3 * channels, -d[i][3]);
      }
    }
    if (column + 2 < width) return;
    // The upper two rows are complete: the picture's rows above and at this tile's.
    for (int i = 0; i < 2; i++) {
      const int64_t done = row - 1 + i;
      if (done >= 0) copy_row(rows[i] + channels, out + shape.pixel(picture, done, 0) * channels, width * channels);
      std::memset(rows[i], 0, line * sizeof(float));
      std::swap(rows[i], rows[i + 2]);
    }
    if (row + 2 < height) return;
    copy_row(rows[0] + channels, out + shape.pixel(picture, row + 1, 0) * channels, width * channels);
    std::memset(rows[0], 0, line * sizeof(float));
    std::memset(rows[1], 0, line * sizeof(float));
  });
}

// Y = A' M A + bias: planes [16, T + SPARE, K] to pictures [N, H, W, K].
void transform_output(const bf16* products, const float* bias, bf16* out, int64_t count, int64_t height, int64_t width,
                      int64_t outputs) {
  const Shape shape{count, height, width};
  const Planes<const bf16> planes{products, shape.tiles() + SPARE, outputs};
  shape.each_tile([&](int64_t tile, int64_t picture, int64_t row, int64_t column) {
    for (int64_t k = 0; k < outputs; k += WIDTH) {
      Lanes rows[2][4];
      for (int j = 0; j < 4; j++) {
        const Lanes m0 = load(planes.at(j, tile) + k), m1 = load(planes.at(4 + j, tile) + k),
                    m2 = load(planes.at(8 + j, tile) + k), m3 = load(planes.at(12 + j, tile) + k);
        rows[0][j] = m0 + m1 + m2;
        rows[1][j] = m1 - m2 - m3;
      }
      for (int i = 0; i < 2; i++) {
        const Lanes *m = rows[i], shifted = m[1] + _mm512_loadu_ps(bias + k);
        bf16* to = out + shape.pixel(picture, row + i, column) * outputs + k;
        store(to, m[0] + shifted + m[2]);
        store(to + outputs, shifted - m[2] - m[3]);
      }
    }
  });
}

// A dY A': gradient of the pictures [N, H, W, K] to that of the planes [16, T + SPARE, K]; adds up that of the bias [K].
void output_gradient(const bf16* gradient, float* bias, bf16* out, int64_t count, int64_t height, int64_t width,
                     int64_t outputs) {
  const Shape shape{count, height, width};
  const Planes<bf16> planes{out, shape.tiles() + SPARE, outputs};
  planes.clear_spare(shape.tiles());
  shape.each_tile([&](int64_t tile, int64_t picture, int64_t row, int64_t column) {
    const bf16* upper = gradient + shape.pixel(picture, row, column) * outputs;
    const bf16* lower = upper + width * outputs;
    for (int64_t k = 0; k < outputs; k += WIDTH) {
      const Lanes a = load(upper + k), b = load(upper + outputs + k), c = load(lower + k), d = load(lower + outputs + k);
      const Lanes rows[4][2] = {{a, b}, {a + c, b + d}, {a - c, b - d}, {-c, -d}};
      accumulate(bias + k, rows[1][0] + rows[1][1]);
      for (int i = 0; i < 4; i++) {
        const Lanes* y = rows[i];
        store(planes.at(4 * i, tile) + k, y[0]);
        store(planes.at(4 * i + 1, tile) + k, y[0] + y[1]);
        store(planes.at(4 * i + 2, tile) + k, y[0] - y[1]);
        store(planes.at(4 * i + 3, tile) + k, -y[1]);
      }
    }
  });
}

}  // extern "C"

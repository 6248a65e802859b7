#include "lib/stats/growth_shape.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <vector>

using triage::stats::growth_shape;
using triage::stats::GrowthShape;

namespace {

GrowthShape shape_of(const std::function<double(int)>& value, int points = 30) {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < points; ++i) {
    x.push_back(i);
    y.push_back(value(i) + (i % 3) * 0.1);
  }
  return growth_shape(x, y, 2);
}

}  // namespace

TEST_CASE("growth shape: each word has its curve") {
  CHECK(shape_of([](int) { return 100.0; }) == GrowthShape::flat);
  CHECK(shape_of([](int i) { return 100.0 + 3 * i; }) == GrowthShape::climbing);
  CHECK(shape_of([](int i) { return 100.0 + 60 * (1 - std::exp(-i / 4.0)); }) ==
        GrowthShape::warming);
  CHECK(shape_of([](int i) { return 100.0 + 8 * (i % 8); }) == GrowthShape::sawtooth);
  CHECK(shape_of([](int i) { return i == 11 || i == 20 ? 300.0 : 100.0; }) == GrowthShape::spikes);
  CHECK(shape_of([](int i) { return 200.0 - 3 * i; }) == GrowthShape::flat);
}

TEST_CASE("growth shape: four points say nothing") {
  CHECK(shape_of([](int i) { return 100.0 * i; }, 4) == GrowthShape::unknown);
}

TEST_CASE("growth shape: a climb that ends in a high value is no spike") {
  CHECK(shape_of([](int i) { return i < 28 ? 100.0 : 300.0; }) != GrowthShape::spikes);
}

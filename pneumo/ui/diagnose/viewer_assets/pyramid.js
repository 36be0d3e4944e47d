// A picture at full, half, quarter ... size, so that a small view of a large picture is fast and smooth.

const SMALLEST = 256; // pixels, longer side of the last level

/** { width, height, data } -> [full, half, quarter ... size]; each pixel is the mean of four. */
export function pyramid(picture) {
  const levels = [picture];
  while (Math.max(levels.at(-1).width, levels.at(-1).height) > SMALLEST && Math.min(levels.at(-1).width, levels.at(-1).height) > 1)
    levels.push(halved(levels.at(-1)));
  return levels;
}

/** The level to draw from: its pixels are 0.7 to 1.4 times as large as those of the screen where `scale` is below 1. */
export function levelFor(scale, count) {
  return Math.max(0, Math.min(count - 1, Math.round(Math.log2(1 / scale))));
}

function halved({ width, height, data }) {
  const small = { width: width >> 1, height: height >> 1, data: null };
  small.data = new data.constructor(small.width * small.height);
  for (let y = 0, to = 0; y < small.height; y++) {
    for (let x = 0, from = 2 * y * width; x < small.width; x++, from += 2)
      small.data[to++] = (data[from] + data[from + 1] + data[from + width] + data[from + width + 1] + 2) >> 2;
  }
  return small;
}

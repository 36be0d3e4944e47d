// The heat legend: none to strong from left to right, over black to white pixels from top to bottom, at the current opacity.

/** `colours` is red, green, blue, cover of each of 256 steps of heat; `marks` are levels with a contour line, 0 to 1. */
export function drawLegend(canvas, colours, opacity, marks) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const image = context.createImageData(width, height);
  for (let y = 0, to = 0; y < height; y++) {
    const grey = (255 * y) / (height - 1);
    for (let x = 0; x < width; x++, to += 4) {
      const step = 4 * Math.round((255 * x) / (width - 1));
      const cover = (opacity * colours[step + 3]) / 255;
      for (let channel = 0; channel < 3; channel++)
        image.data[to + channel] = Math.round(grey * (1 - cover) + colours[step + channel] * cover);
      image.data[to + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  context.fillStyle = "#FFFFFF";
  for (const mark of marks) context.fillRect(Math.round(mark * (width - 1)) - 1, 0, 2, height);
}

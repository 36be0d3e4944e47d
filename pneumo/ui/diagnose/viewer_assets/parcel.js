// Unpacks what pneumo/ui/diagnose/parcel.py packed.

/** Uint8Array -> { header, arrays: { name: { shape, data } } }, data a Uint8Array or a Uint16Array. */
export async function open(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const arrays = {};
  let at = 4 + length;
  for (const { name, kind, shape, length: packed } of header.arrays) {
    const planes = await inflated(bytes.subarray(at, at + packed));
    arrays[name] = { shape, data: kind === "uint8" ? fromBytes(planes, shape.at(-1)) : fromPlanes(planes, shape.at(-1)) };
    at += packed;
  }
  return { header, arrays };
}

async function inflated(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Differences from the left neighbour -> values, in rows of `width`. */
export function fromBytes(differences, width) {
  const values = new Uint8Array(differences.length);
  for (let row = 0; row < values.length; row += width) {
    let value = 0;
    for (let at = row; at < row + width; at++) values[at] = value = (value + differences[at]) & 0xff;
  }
  return values;
}

/** The same for 16 bits: a plane of low and one of high bytes, signs folded (0, -1, 1, -2 ... are stored as 0, 1, 2, 3). */
export function fromPlanes(planes, width) {
  const count = planes.length / 2;
  const values = new Uint16Array(count);
  for (let row = 0; row < count; row += width) {
    let value = 0;
    for (let at = row; at < row + width; at++) {
      const folded = planes[at] | (planes[count + at] << 8);
      values[at] = value = (value + ((folded >>> 1) ^ -(folded & 1))) & 0xffff;
    }
  }
  return values;
}

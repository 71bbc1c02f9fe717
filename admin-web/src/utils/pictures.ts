/** An address for a whole SVG document, fit for an `<img>`: nothing inside it can run. */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** The square picture at `address` as PNG, `size` pixels wide, on white. */
export async function pngOf(address: string, size: number): Promise<Blob> {
  const image = new Image(size, size);
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size, size);
  context.drawImage(image, 0, 0, size, size);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error("no picture"));
    }, "image/png");
  });
}

const TYPES = ["image/jpeg", "image/png"];
const MAX_BYTES = 2 * 1024 * 1024;

/** Why the service wouldn't take this file; empty when it looks fine. */
export function pictureProblem(file: File): string {
  if (!TYPES.includes(file.type)) return "仅支持 JPG 和 PNG 图片";
  if (file.size === 0) return "文件是空的";
  return file.size > MAX_BYTES ? `图片不能超过 2 MB（当前 ${(file.size / 1024 / 1024).toFixed(1)} MB）` : "";
}

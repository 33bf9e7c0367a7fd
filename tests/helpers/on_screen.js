// What a lesson looks like in JupyterLab, measured.  Each function returns a list of complaints.
() => {
  const all = (selector, root = document.querySelector(".jp-Notebook")) =>
    [...root.querySelectorAll(selector)];
  const words = (node) => node.textContent.trim().replace(/\s+/g, " ").slice(0, 60);

  // ---- size ---------------------------------------------------------------------------------

  // Is anything wider than the column, so that one has to scroll sideways?
  function tooWide() {
    return all(".jp-OutputArea-output, .jp-RenderedMarkdown").flatMap((column) => {
      const room = column.getBoundingClientRect();
      return all("*", column)
        .map((part) => [part, part.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0) // what is hidden or folded has no size
        .filter(([, box]) => box.left < room.left - 1 || box.right > room.right + 1)
        .map(([part, box]) => `${part.tagName} ${box.left} to ${box.right}: ${words(part)}`);
    });
  }

  // A picture must be there, large enough to read, and whole.
  function pictures() {
    return all(".jp-RenderedMermaid img, .jp-OutputArea-output img").map((picture) => {
      const column = picture.closest(".jp-OutputArea-output, .jp-RenderedMarkdown");
      const [inner, outer] = [picture, column].map((one) => one.getBoundingClientRect());
      const whole = inner.left >= outer.left && inner.right <= outer.right + 1
        && inner.top >= outer.top && inner.bottom <= outer.bottom + 1;
      const shown = picture.complete && picture.naturalHeight > 0;
      return shown && whole && inner.width > 300 && inner.height > 200
        ? column.dataset.mimeType
        : `cut or too small: ${inner.width} x ${inner.height} in ${outer.width}`;
    });
  }

  // The text of a diagram, as it is drawn: in the picture, and not too small.
  function diagramTexts() {
    return all(".jp-OutputArea-output img[src^='data:image/svg+xml']").flatMap((picture) => {
      const source = decodeURIComponent(picture.src.slice(picture.src.indexOf(",") + 1));
      document.body.insertAdjacentHTML("beforeend", source);
      const svg = document.body.lastElementChild;
      const room = svg.viewBox.baseVal;
      const scale = picture.getBoundingClientRect().width / room.width;
      const complaints = all("text", svg).flatMap((text) => {
        const box = text.getBBox();
        const outside = box.x < 0 || box.x + box.width > room.width
          || box.y < 0 || box.y + box.height > room.height;
        const small = parseFloat(getComputedStyle(text).fontSize) * scale < 10;
        const faint = [text, ...all("tspan", text)].some(
          (part) => contrast(rgba(getComputedStyle(part).fill), groundOf(text)) < 4.5);
        return outside || small || faint
          ? [`${outside ? "cut " : ""}${small ? "small " : ""}${faint ? "faint " : ""}${words(text)}`]
          : [];
      });
      svg.remove();
      return complaints;
    });
  }

  // The ground of a number is its circle, of a name its box; of all others the sheet.
  function groundOf(text) {
    const before = text.previousElementSibling;
    return rgba(before?.tagName === "circle" ? getComputedStyle(before).fill : "rgb(255, 255, 255)");
  }

  // ---- colour -------------------------------------------------------------------------------

  function rgba(colour) {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return [red, green, blue, alpha];
  }

  // One colour on another, as it is seen.
  function over([r, g, b, alpha], ground) {
    return [...[r, g, b].map((part, n) => part * alpha + ground[n] * (1 - alpha)), 1];
  }

  // WCAG 2.2, "relative luminance" and "contrast ratio".
  function luminance(colour) {
    const [r, g, b] = colour.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  function contrastOf(element) {
    const line = [];
    for (let one = element; one; one = one.parentElement) line.unshift(getComputedStyle(one));
    let [ground, opacity] = [[255, 255, 255, 1], 1];
    for (const style of line) {
      ground = over(rgba(style.backgroundColor), ground);
      opacity *= Number(style.opacity);
    }
    const [r, g, b, alpha] = rgba(getComputedStyle(element).color);
    return contrast(over([r, g, b, alpha * opacity], ground), ground);
  }

  // Text that is hard to read on its ground, or small.
  function hardToRead() {
    return all(".jp-OutputArea-output, .jp-OutputArea-output *")
      .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
      .filter((one) => contrastOf(one) < 4.5 || parseFloat(getComputedStyle(one).fontSize) < 11)
      .map((one) => `${contrastOf(one).toFixed(1)} ${getComputedStyle(one).fontSize}: ${words(one)}`);
  }

  return { pictures: pictures(), complaints: [...tooWide(), ...diagramTexts(), ...hardToRead()] };
}

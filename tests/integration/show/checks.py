"""What is looked at in a page, in JavaScript: each is a list of faults, or a number."""

OVERFLOW = """(() => {
  const wide = document.documentElement.clientWidth;
  const mayScroll = element => {
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.overflowX === 'auto' || style.clipPath !== 'none') return true;
    }
    return false;
  };
  const beyond = [...document.querySelectorAll('main *, header *')].filter(
    e => !e.closest('svg') && e.getBoundingClientRect().right > wide + 1 && !mayScroll(e));
  const page = document.documentElement.scrollWidth > wide ? ['the page'] : [];
  return [...page, ...beyond.map(e => e.outerHTML.slice(0, 80))];
})()"""
"""What reaches beyond the right edge and cannot be scrolled by itself."""

CONTRAST = """(() => {
  const parse = text => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return numbers.length < 4 ? [...numbers, 1] : numbers;
  };
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(
      v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > .99) return colour;
    }
    return [255, 255, 255];
  };
  const speaks = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  const faults = [];
  for (const e of document.querySelectorAll('body *')) {
    if (['STYLE', 'title'].includes(e.tagName) || !e.checkVisibility() || !speaks(e)) continue;
    const inPicture = e.closest('svg'), style = getComputedStyle(e);
    const box = inPicture && e.parentElement.querySelector('rect');
    const ink = light(parse(inPicture ? style.fill : style.color));
    const paper = light(box ? parse(getComputedStyle(box).fill) : ground(e));
    const ratio = (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
    if (ratio < 4.5) faults.push(ratio.toFixed(2) + ' ' + e.outerHTML.slice(0, 80));
  }
  return faults;
})()"""
"""Words that stand out from their ground by less than 4.5 to 1."""

PICTURES = """[...document.images].filter(
  i => !i.complete || !i.naturalWidth || !i.alt).map(i => i.alt || i.src.slice(0, 40))"""
"""Pictures that were not drawn, or have no text for who cannot see them."""

LETTERS_OUTSIDE = """[...document.querySelectorAll('.dag g text')].filter(text => {
  if (!text.checkVisibility()) return false;
  const inner = text.getBoundingClientRect();
  const outer = text.parentElement.querySelector('rect').getBoundingClientRect();
  return inner.left < outer.left || inner.right > outer.right
    || inner.top < outer.top || inner.bottom > outer.bottom;
}).map(text => text.textContent)"""
"""Words of the graph that reach out of their box."""

SMALLEST_NAME = """(() => {
  const graph = [...document.querySelectorAll('.dag')].find(e => e.checkVisibility());
  return 13 * graph.getBoundingClientRect().width / graph.viewBox.baseVal.width;
})()"""
"""Height of a name in the graph that is shown, in pixels."""

/** A line of a panel: points in the units of its axes. */
export type Line = { color: string; dashed?: true; isStepped?: true; points: [x: number, y: number][] };

/** One of the diagrams that stand above each other. `ticks` are the values of its axis; the last is its top. */
export type Panel = { title: string; ticks: number[]; isLogarithmic?: true; lines: Line[] };

/** A picture of panels over one axis of time. */
export type Plot = {
  title: string;
  legend: { label: string; color: string; dashed?: true; isBand?: true }[];
  /** Times that are shaded, on the axis of time. */
  bands: [from: number, to: number][];
  xTitle: string;
  xTicks: number[];
  panels: Panel[];
};

const width = 880;
const left = 64;
const right = 24;
const top = 92;
const panelHeight = 118;
const panelGap = 46;
const bottom = 56;
const ink = '#1f2937';
const faint = '#6b7280';
const grid = '#e5e7eb';
const bandColor = '#f3f4f6';
const font = "font-family=\"'DejaVu Sans', Verdana, 'Segoe UI', Helvetica, Arial, sans-serif\"";

/** Short enough to read, precise enough to draw. */
const short = (value: number) => String(Math.round(value * 10) / 10);
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x: number, y: number, content: string, rest = ''): string {
  return `<text x="${short(x)}" y="${short(y)}" ${rest}>${escaped(content)}</text>`;
}

function pathOf({ points, isStepped }: Line, x: (value: number) => number, y: (value: number) => number): string {
  const drawn = points.map(([atX, atY]) => [short(x(atX)), short(y(atY))] as const);
  // Points on a level stretch say nothing.
  const needed = drawn.filter(([, toY], index) => toY !== drawn[index - 1]?.[1] || toY !== drawn[index + 1]?.[1]);
  return needed
    .map(([toX, toY], index) => (index === 0 ? `M${toX} ${toY}` : isStepped ? `H${toX}V${toY}` : `L${toX} ${toY}`))
    .join('');
}

function drawPanel(panel: Panel, at: number, x: (value: number) => number, plot: Plot): string[] {
  const { title, ticks, isLogarithmic, lines } = panel;
  const inner = width - left - right;
  const scaled = (value: number) => (isLogarithmic ? Math.log10(1 + value) : value);
  const highest = scaled(ticks.at(-1) ?? 1);
  const y = (value: number) => at + panelHeight * (1 - Math.min(1, scaled(value) / highest));
  return [
    text(left, at - 12, title, 'font-weight="bold"'),
    ...plot.bands.map(
      ([from, to]) =>
        `<rect x="${short(x(from))}" y="${at}" width="${short(x(to) - x(from))}" height="${panelHeight}" fill="${bandColor}"/>`,
    ),
    ...plot.xTicks.map(
      (tick) => `<path d="M${short(x(tick))} ${at}V${at + panelHeight}" stroke="${grid}" stroke-width="1"/>`,
    ),
    ...ticks.flatMap((tick) => [
      `<path d="M${left} ${short(y(tick))}h${inner}" stroke="${tick === 0 ? faint : grid}" stroke-width="1"/>`,
      text(left - 8, y(tick) + 4, tick.toLocaleString('en'), `text-anchor="end" fill="${faint}" font-size="12"`),
    ]),
    ...lines.map((line) => {
      const dashes = line.dashed ? ' stroke-dasharray="5 4"' : '';
      return `<path d="${pathOf(line, x, y)}" fill="none" stroke="${line.color}" stroke-width="2" stroke-linejoin="round"${dashes}/>`;
    }),
  ];
}

/** About as wide as this text is drawn. */
const widthOf = (label: string) => label.length * 7.4;

function drawLegend(legend: Plot['legend']): string[] {
  let at = left;
  return legend.flatMap(({ label, color, dashed, isBand }) => {
    const x = at;
    at += 34 + widthOf(label) + 22;
    const mark = isBand
      ? `<rect x="${short(x)}" y="48" width="26" height="14" fill="${color}" stroke="${grid}"/>`
      : `<path d="M${short(x)} 55h26" stroke="${color}" stroke-width="3"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`;
    return [mark, text(x + 34, 59.5, label)];
  });
}

/** Draws an SVG document: light background, no scripts, no fonts of its own. */
export function drawPlot(plot: Plot): string {
  const { panels, xTicks, xTitle, title, legend } = plot;
  const [first = 0, last = 1] = [xTicks[0], xTicks.at(-1)];
  const x = (value: number) => left + ((width - left - right) * (value - first)) / (last - first);
  const topOf = (index: number) => top + 24 + index * (panelHeight + panelGap);
  const end = topOf(panels.length - 1) + panelHeight;
  const height = end + bottom;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" ${font} font-size="13" fill="${ink}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(left, 28, title, 'font-size="16" font-weight="bold"'),
    ...drawLegend(legend),
    ...panels.flatMap((panel, index) => drawPanel(panel, topOf(index), x, plot)),
    ...xTicks.map((tick) =>
      text(x(tick), end + 20, String(tick), `text-anchor="middle" fill="${faint}" font-size="12"`),
    ),
    text((left + width - right) / 2, end + 42, xTitle, 'text-anchor="middle"'),
    '</svg>',
  ].join('\n')}\n`;
}

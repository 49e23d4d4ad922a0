import type { Minute } from '../api/values.ts';
import { useWords } from '../words/words.ts';

const WIDTH = 600;
const HEIGHT = 160;
const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;
const ANCHORS = ['start', 'middle', 'end'] as const;
const LINES = ['accepted', 'delivered', 'bounced'] as const;

/** Recipients a minute over the last hour, as lines; the same in words for those who do not see it. */
export function RatePlot({ minutes }: { readonly minutes: readonly Minute[] }) {
  const { overview: words, language } = useWords();
  const sum = (line: (typeof LINES)[number]): number => minutes.reduce((total, minute) => total + minute[line], 0);
  const summary = words.plotSummary(sum('accepted'), sum('delivered'), sum('bounced'));
  const most = Math.max(...minutes.flatMap(({ accepted, delivered, bounced }) => [accepted, delivered, bounced]), 0);
  if (minutes.length < 2) return <p class="quiet">{words.plotSoon}</p>;
  if (most === 0) return <p class="quiet">{words.plotEmpty}</p>;
  const top = niceCeiling(most);
  const x = (index: number): number => LEFT + (index / Math.max(1, minutes.length - 1)) * (WIDTH - LEFT - 8);
  const y = (value: number): number => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'short', hourCycle: 'h23' });
  return (
    <figure class="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary}>
        {[0, top / 2, top].map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH - 8} y1={y(value)} y2={y(value)} class="grid" />
            <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
              {value.toLocaleString()}
            </text>
          </g>
        ))}
        {[0, Math.floor((minutes.length - 1) / 2), minutes.length - 1].map((index, place) => (
          <text key={place} x={x(index)} y={HEIGHT - 4} text-anchor={ANCHORS[place]}>
            {clock.format(minutes[index]!.at)}
          </text>
        ))}
        {LINES.map((line) => (
          <polyline
            key={line}
            class={`line ${line}`}
            points={minutes.map((minute, index) => `${x(index).toFixed(1)},${y(minute[line]).toFixed(1)}`).join(' ')}
          />
        ))}
      </svg>
      <figcaption>
        {LINES.map((line) => (
          <span key={line} class={`key ${line}`}>
            {words[line]}
          </span>
        ))}
        <span class="hint">{words.plotHint}</span>
      </figcaption>
    </figure>
  );
}

/** The next of 2, 4, 10, 20, 40, 100, …: half of it is a whole number. */
function niceCeiling(value: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [2, 4, 10]) if (step * power >= value) return step * power;
  }
}

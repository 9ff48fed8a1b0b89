/** What draws the charts of the report, in its reader's browser. */

/** The script: it finds the runs in the page, and draws what there is of each. */
export const PAGE_SCRIPT = `
'use strict'
const runs = JSON.parse(document.getElementById('runs').textContent)
const place = document.getElementById('charts')
const HEIGHT = 230
const isTwo = runs.length > 1
const nameOf = (run) => run.broker.replace(/^\\w+:\\/\\//, '')
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()
const big = (value) => value == null ? '–' : Math.abs(value) >= 1e6 ? +(value / 1e6).toPrecision(3) + ' M' : Math.abs(value) >= 1e3 ? +(value / 1e3).toPrecision(3) + ' k' : String(+value.toPrecision(3))
const rate = (value) => value == null ? '–' : big(value) + '/s'
const time = (us) => us == null ? '–' : us >= 1e6 ? +(us / 1e6).toPrecision(3) + ' s' : us >= 1e3 ? +(us / 1e3).toPrecision(3) + ' ms' : +us.toPrecision(3) + ' µs'
const size = (bytes) => bytes == null ? '–' : Math.abs(bytes) >= 1e9 ? +(bytes / 1e9).toPrecision(4) + ' GB' : +(bytes / 1e6).toPrecision(4) + ' MB'
const share = (value) => value == null ? '–' : Math.round(100 * value) + ' %'
const seconds = (value) => value == null ? '–' : +value.toFixed(1) + ' s'

/** One x for all: the moments of all runs, each series with gaps where it has none. */
function together(series) {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((one, other) => one - other)
  const places = new Map(xs.map((x, at) => [x, at]))
  return [xs, ...series.map(({ points }) => {
    const ys = new Array(xs.length).fill(undefined)
    for (const [x, y] of points) ys[places.get(x)] = y
    return ys
  })]
}

const moments = (of) => runs.map((run, at) => ({
  label: isTwo ? nameOf(run) : '',
  stroke: 's' + at,
  points: run.samples.map((sample) => [sample.ms / 1e3, of(sample)]).filter(([, y]) => y != null),
}))
const percentiles = runs.flatMap((run, at) => [['p50', 'p50Us'], ['p99', 'p99Us'], ['max', 'maxUs']].map(([label, name]) => ({
  label: isTwo ? label + ' ' + nameOf(run) : label,
  stroke: isTwo ? 's' + at : label,
  dash: isTwo && label !== 'p50' ? (label === 'p99' ? [6, 4] : [2, 3]) : undefined,
  points: run.samples.map((sample) => [sample.ms / 1e3, sample[name] || undefined]).filter(([, y]) => y != null),
})))
const ofAll = (run) => (run.work || run.storm || run.connect).times
const curves = runs.map((run, at) => ({
  label: isTwo ? nameOf(run) : '',
  stroke: 's' + at,
  points: (ofAll(run)?.curve ?? []).map(([percentile, us]) => [1 / Math.max(1e-7, 1 - percentile / 100), Math.max(1, us)])
    .filter(([x]) => x < 9e6),
}))
const weights = runs.map((run, at) => {
  // Only while connections are made: what a run does with them costs something else.
  const most = run.samples.findIndex(({ connections }) => connections >= run.connections)
  return {
    label: isTwo ? nameOf(run) : '',
    stroke: 's' + at,
    points: run.samples.slice(0, most < 0 ? undefined : most + 1)
      .filter((sample) => sample.brokerBytes != null)
      .map((sample) => [sample.connections, sample.brokerBytes]),
  }
})
const isWork = runs.some((run) => run.work)
const unit = runs[0].workload === 'churn' ? 'connects and disconnects' : isWork ? 'deliveries' : 'sessions'
const perConnection = runs.map((run) => run.server?.bytesPerConnection)
const CHARTS = [
  { id: 'throughput', title: 'Throughput', note: unit + ' a second', series: moments((sample) => sample.perSecond), y: rate },
  { id: 'latency', title: 'Latency over time', note: 'of each moment; logarithmic', series: percentiles, y: time, isLog: true },
  { id: 'distribution', title: 'Latency by percentile', note: isWork ? 'of all ' + unit : 'of all sessions, until they were subscribed', series: curves, y: time, isLog: true, isPercentile: true },
  { id: 'connections', title: 'Connections', note: 'that are subscribed', series: moments((sample) => sample.connections), y: big },
  { id: 'memory', title: 'Memory of the broker', note: 'resident, over time', series: moments((sample) => sample.brokerBytes), y: size },
  { id: 'memory-per-connection', title: 'Memory by connections', note: perConnection.some((bytes) => bytes != null) ? perConnection.map((bytes) => bytes == null ? '–' : bytes.toLocaleString('en-US') + ' bytes a connection').join(' and ') : 'of the broker, while they are made', series: weights, y: size, x: big },
  { id: 'processor', title: 'Processor time of the broker', note: 'as a share of one core', series: moments((sample) => sample.brokerCpu), y: share },
].filter(({ series }) => series.some(({ points }) => points.length > 1))

const PERCENTS = [[2, '50 %'], [10, '90 %'], [100, '99 %'], [1e3, '99.9 %'], [1e4, '99.99 %'], [1e5, '99.999 %'], [1e6, '99.9999 %'], [1e7, '100 %']]
const percent = (x) => x == null ? '–' : +(100 - 100 / x).toPrecision(7) + ' %'

function optionsFor({ title, series, y, x = seconds, isLog, isPercentile }, width) {
  const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line'), width: 1, size: 5 }, font: '12px system-ui, sans-serif' }
  const few = series.every(({ points }) => points.length < 40)
  const xScale = isPercentile ? { time: false, distr: 3, log: 10 } : { time: false }
  const yScale = isLog ? { distr: 3, log: 10 } : { range: (_, least, most) => [y === size ? Math.max(0, least - (most - least) * 0.2) : 0, most === least ? most * 1.2 || 1 : most + (most - least) * 0.08] }
  const xLabels = isPercentile ? { splits: (_, __, least, most) => PERCENTS.map(([at]) => at).filter((at) => at >= least && at <= most), filter: (_, splits) => splits, values: (_, all) => all.map((at) => PERCENTS.find(([place]) => place === at)?.[1] ?? '') } : { values: (_, all) => all.map(x) }
  return {
    width, height: HEIGHT, padding: [10, 34, 0, 0],
    cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    legend: { show: true },
    scales: { x: xScale, y: yScale },
    axes: [{ ...axis, ...xLabels }, { ...axis, size: 70, values: (_, all) => all.map((at) => at == null ? '' : y(at)) }],
    series: [
      { label: isPercentile ? 'percentile' : x === seconds ? 'time' : 'connections', value: (_, at) => (isPercentile ? percent : x)(at) },
      ...series.map(({ label, stroke, dash }) => ({ label: label || title.toLowerCase(), stroke: colour(stroke), dash, width: 1.75, spanGaps: true, value: (_, at) => y(at), points: { show: few, size: 4 },
        ...(series.length === 1 && !isLog && { fill: colour(stroke) + '1f' }) })),
    ],
  }
}

let drawn = []
function draw() {
  for (const chart of drawn) chart.destroy()
  place.replaceChildren()
  drawn = CHARTS.map((chart) => {
    const figure = document.createElement('figure')
    figure.id = chart.id
    const caption = document.createElement('figcaption')
    const note = document.createElement('small')
    caption.append(chart.title, note)
    note.textContent = chart.note
    figure.append(caption)
    place.append(figure)
    return { chart, figure }
  }).map(({ chart, figure }) => new uPlot(optionsFor(chart, figure.clientWidth - 24), together(chart.series), figure))
}
draw()
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)
let width = innerWidth
addEventListener('resize', () => {
  if (innerWidth === width) return
  width = innerWidth
  draw()
})
`

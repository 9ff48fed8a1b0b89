/** The report: one page with its charts, its library and its figures inside; it loads nothing from anywhere. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { figuresOf, written } from '../run/figures.js'
import { median } from '../run/median.js'
import type { Result } from '../run/result.js'
import { PAGE_SCRIPT } from './page-script.js'
import { PAGE_STYLE } from './page-style.js'

/** What a reader may do here: nothing is fetched, whatever the page says. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"

/** The page of some rounds, each a run of one broker, or of two. */
export function pageOf(rounds: readonly (readonly Result[])[]): string {
  const shown = shownOf(rounds)
  const [first] = shown as [Result]
  const title = `${first.workload}: ${shown.map(({ broker }) => broker).join(' and ')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${library('uPlot.min.css')}</style>
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<p class="kind">xtomp bench</p>
<h1>${text(first.workload)}</h1>
<p class="brokers">${shown.map(({ broker }, at) => `<span class="broker s${at}">${text(broker)}</span>`).join(' ')}</p>
<p class="asked">${text(
    Object.entries(first.asked)
      .map(([name, value]) => `${words(name)} ${value.toLocaleString('en-US')}`)
      .join(' · '),
  )}</p>
<p class="asked">${text(`${first.date.slice(0, 16).replace('T', ' ')} UTC · Node ${first.node.slice(1)} · ${first.machine} · ${first.processes} ${first.processes === 1 ? 'process' : 'processes'} of clients`)}</p>
${[...new Set(shown.flatMap(({ fault }) => (fault === undefined ? [] : [fault])))].map((fault) => `<p class="fault">It failed: ${text(fault)}</p>`).join('\n')}
</header>
<main>
<section class="cards">
${cards(rounds)}
</section>
<section class="charts" id="charts"></section>
<section>
<h2>All figures</h2>
${table(rounds)}
</section>
</main>
<script type="application/json" id="runs">${JSON.stringify(shown).replaceAll('<', '\\u003c')}</script>
<script>${library('uPlot.iife.min.js')}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

/** Of each broker one run: the last round's. */
function shownOf(rounds: readonly (readonly Result[])[]): readonly Result[] {
  return rounds.at(-1) ?? []
}

/** The figures of each broker by title: medians of the rounds. */
function medians(rounds: readonly (readonly Result[])[]): { title: string; texts: string[]; isMain: boolean }[] {
  const brokers = shownOf(rounds).map((_, which) => rounds.flatMap((round) => round[which] ?? []).map(figuresOf))
  return (brokers[0]?.[0] ?? []).map(({ title, unit, isMain = false }) => {
    const texts = brokers.map((runs) => {
      const values = runs.flatMap((figures) =>
        figures.filter((figure) => figure.title === title).map(({ value }) => value),
      )
      const value = median(values)
      return value === undefined ? '–' : written({ value, unit })
    })
    return { title, texts, isMain }
  })
}

function cards(rounds: readonly (readonly Result[])[]): string {
  return medians(rounds)
    .filter(({ isMain }) => isMain)
    .map(({ title, texts }) => {
      const values = texts.map((value, at) => `<span class="value s${at}">${text(value)}</span>`).join('')
      return `<div class="card"><span class="title">${text(title)}</span>${values}</div>`
    })
    .join('\n')
}

function table(rounds: readonly (readonly Result[])[]): string {
  const shown = shownOf(rounds)
  const head = shown.map(({ broker }) => `<th>${text(broker)}</th>`).join('')
  const rows = medians(rounds).map(
    ({ title, texts }) => `<tr><th>${text(title)}</th>${texts.map((value) => `<td>${text(value)}</td>`).join('')}</tr>`,
  )
  const note =
    rounds.length > 1 ? `<caption>Medians of ${rounds.length} rounds; the charts show the last.</caption>` : ''
  return `<table>${note}<thead><tr><th></th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}

/** A file of the chart library, as its package has it. */
function library(file: string): string {
  const path = createRequire(import.meta.url).resolve(`uplot/dist/${file}`)
  return readFileSync(path, 'utf8').replaceAll('</script', '<\\/script')
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

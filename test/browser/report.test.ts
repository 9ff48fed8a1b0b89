/** The page of `xtomp bench --report`, in a real browser: it draws its charts, in the light and in the dark, and loads nothing. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { measure } from '@xtomp/bench'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { pageOf } from '../../packages/bench/src/command/page.js'
import { served } from '../bench/served.js'
import { findChromium, startChromium, Tabs } from './chromium.js'

const TIMEOUT_MS = 60_000
const path = findChromium()
const isWanted = process.env.XTOMP_REQUIRE_INTEROP === '1'
if (path === undefined && !isWanted) console.log('the report is not tried: there is no chromium')

describe.skipIf(path === undefined && !isWanted)('the report', { timeout: TIMEOUT_MS }, () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startChromium(path ?? 'chromium')
  }, TIMEOUT_MS)

  afterAll(() => browser?.close())

  /** Writes a page, until the test has ended. */
  function written(test: TestContext, page: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'xtomp-report-'))
    test.onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'report.html')
    writeFileSync(file, page)
    return pathToFileURL(file).href
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`draws every chart in the ${colorScheme}, and asks nobody for anything`, async (test) => {
      const { url } = await served()
      const result = await measure('fanout', { url, connections: 100, seconds: 1, pids: [process.pid] })
      const page = written(test, pageOf([[result]]))
      const tabs = await Tabs.open(browser, test, { colorScheme })
      const tab = await tabs.visit(page)
      const names = [
        'throughput',
        'latency',
        'distribution',
        'connections',
        'memory',
        'memory-per-connection',
        'processor',
      ]
      expect(await tab.locator('figure').evaluateAll((figures) => figures.map(({ id }) => id))).toEqual(names)
      // Something else than one colour is on each.
      expect(await tab.locator('figure canvas').evaluateAll(coloursOn)).toEqual(names.map(() => true))
      expect(await tab.locator('.card', { hasText: 'deliveries' }).first().textContent()).toMatch(/[\d,]+\/s/)
      expect(await tab.locator('tr', { hasText: 'deliveries in all' }).textContent()).toContain(
        result.work?.received.toLocaleString('en-US'),
      )
      tabs.expectNoFault()
    })
  }

  it('shows two brokers side by side, and a failure for what it is', async (test) => {
    const [one, other] = [await served(), await served()]
    const results = [one, other].map(({ url }) => measure('echo', { url, messages: 100 }))
    const tabs = await Tabs.open(browser, test)
    const both = await tabs.visit(written(test, pageOf([await Promise.all(results)])))
    expect(await both.locator('.broker').allInnerTexts()).toEqual([one.url, other.url])
    expect(await both.locator('table thead th').count()).toBeGreaterThanOrEqual(3)
    const failed = await measure('echo', { url: 'stomp://127.0.0.1:9' })
    const none = await tabs.visit(written(test, pageOf([[failed]])))
    expect(await none.locator('.fault').textContent()).toContain('nobody listens at stomp://127.0.0.1:9')
    tabs.expectNoFault()
  })
})

/** In the page: whether there is more than one colour on each of these. */
function coloursOn(canvases: Element[]): boolean[] {
  return canvases.map((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement
    const octets = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data.buffer
    return new Set(new Uint32Array(octets ?? new ArrayBuffer(0))).size > 2
  })
}

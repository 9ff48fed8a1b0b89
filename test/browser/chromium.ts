/** Debian's Chromium, and what pages do in it that they should not. */

import { execFileSync } from 'node:child_process'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect, type TestContext } from 'vitest'

/** Where Chromium is; undefined where it is not installed. */
export function findChromium(): string | undefined {
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Starts it, without a window. */
export function startChromium(executablePath: string): Promise<Browser> {
  // Not to be slowed down where it is not looked at: headless, no tab is.
  return chromium.launch({ executablePath, args: ['--disable-dev-shm-usage', '--disable-background-networking'] })
}

/** Tabs of one browser, and what went wrong in them. */
export class Tabs {
  readonly #context: BrowserContext
  readonly #faults: string[] = []

  private constructor(context: BrowserContext) {
    this.#context = context
    context.on('page', (page) => this.#watch(page))
  }

  /** Tabs that are gone when the test has ended. */
  static async open(browser: Browser, test: TestContext, look: object = {}): Promise<Tabs> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...look })
    test.onTestFinished(() => context.close())
    return new Tabs(context)
  }

  /** Opens a page, in a tab of its own. */
  async visit(url: string): Promise<Page> {
    const page = await this.#context.newPage()
    await page.goto(url)
    return page
  }

  /** The next tab that a page opens. */
  opened(): Promise<Page> {
    return this.#context.waitForEvent('page')
  }

  /** What went wrong so far, apart from what is expected to. */
  expectNoFault(apartFrom = /^$/): void {
    expect(this.#faults.filter((fault) => !apartFrom.test(fault))).toEqual([])
  }

  #watch(page: Page): void {
    const note = (kind: string, url: string): void => {
      if (!['127.0.0.1', ''].includes(new URL(url).hostname)) this.#faults.push(`${kind} to ${url}`)
    }
    page.on('request', (request) => note('a request', request.url()))
    page.on('websocket', (socket) => note('a WebSocket', socket.url()))
    page.on('pageerror', (error) => this.#faults.push(`thrown: ${error.message}`))
    // What the policy forbids is told here, too.
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#faults.push(`console: ${message.text()}`)
    })
  }
}

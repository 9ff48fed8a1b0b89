/** The page, in a real browser: two tabs talk through the broker, and come back when they are dropped. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrokerOptions } from '@xtomp/core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { until } from '../support/suite.js'
import { findChromium, startChromium, Tabs } from './chromium.js'
import { servedPage } from './served-page.js'

const TIMEOUT_MS = 60_000
const path = findChromium()
const isWanted = process.env.XTOMP_REQUIRE_INTEROP === '1'
if (path === undefined && !isWanted) console.log('the page is not tried: there is no chromium')

describe.skipIf(path === undefined && !isWanted)('the page', { timeout: TIMEOUT_MS }, () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await startChromium(path ?? 'chromium')
  }, TIMEOUT_MS)

  afterAll(() => browser?.close())

  /** A page that is served, and a browser's tabs. */
  async function opened(test: TestContext, options: BrokerOptions = {}, look: object = {}, port = 0) {
    const served = await servedPage(options, port)
    test.onTestFinished(() => served.close())
    return { served, tabs: await Tabs.open(browser, test, look) }
  }

  it('lets two tabs talk: what one sends, both receive', async (test) => {
    const { served, tabs } = await opened(test)
    const one = await tabs.visit(served.url)
    await connected(one)
    await subscribe(one, '/topic/tea')
    const [other] = await Promise.all([tabs.opened(), one.getByRole('link', { name: 'Open a second tab' }).click()])
    await connected(other)
    await until(() => served.broker.stats().subscriptions === 2, 'a subscription of each')
    await send(other, '/topic/tea', 'is ready', 'cups: 2')
    for (const tab of [one, other]) {
      const row = rows(tab, 'MESSAGE')
      await row.waitFor()
      await row.click()
      expect(await row.textContent()).toContain('is ready')
      const inside = tab.locator('.frame', { hasText: 'MESSAGE' }).locator('.inside')
      expect(await inside.locator('dl').textContent()).toContain('cups2')
      expect(await inside.locator('pre').textContent()).toBe('is ready')
    }
    await one.getByRole('button', { name: 'Unsubscribe from /topic/tea' }).click()
    await until(() => served.broker.stats().subscriptions === 1, 'one subscription')
    await one.getByRole('button', { name: 'Disconnect' }).click()
    await state(one, 'not connected')
    await until(() => served.broker.stats().sessions === 1, 'one session')
    tabs.expectNoFault()
  })

  it('takes nothing out of a queue because a link of another site says so: it fills in the form', async (test) => {
    const { served, tabs } = await opened(test)
    await served.broker.publishConfirmed('/queue/jobs', 'wash')
    const asked = `${served.url}?subscribe=${encodeURIComponent('/queue/jobs')}`
    const other = await siteThatLinksTo(asked, test)
    const [linked, typed] = [await tabs.visit(other), await tabs.visit(asked)]
    await linked.getByRole('link').click()
    for (const tab of [linked, typed]) {
      await connected(tab)
      expect(await tab.locator('#subscribe').getByLabel('Destination').inputValue()).toBe('/queue/jobs')
      await subscribe(tab, '/topic/another')
    }
    await until(() => served.broker.stats().subscriptions === 2, 'the subscriptions that were asked for')
    expect(served.broker.stats()).toMatchObject({ messages: 1, unacknowledged: 0 })
    await subscribe(typed, '/queue/jobs')
    await rows(typed, 'wash').waitFor()
    tabs.expectNoFault()
  })

  it('says why the broker dropped it, counts down, and comes back with its subscription', async (test) => {
    const { served, tabs } = await opened(test)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/topic/tea')
    for (const session of served.broker.sessions()) session.close({ code: 'lunch', message: 'closed until two' })
    await tab.getByText(/^lost; again in \d s$/).waitFor()
    const fault = tab.getByRole('alert')
    expect(await fault.textContent()).toContain('lunch')
    expect(await fault.textContent()).toContain('closed until two')
    await connected(tab)
    await until(() => served.broker.stats().subscriptions === 1, 'the subscription')
    expect(await fault.isVisible()).toBe(true)
    await fault.getByRole('button', { name: 'Close this notice' }).click()
    expect(await fault.isVisible()).toBe(false)
    served.broker.publish('/topic/tea', 'back again')
    await rows(tab, 'back again').waitFor()
    tabs.expectNoFault()
  })

  it('comes back to a server that was started anew on its port, at once where somebody asks', async (test) => {
    const { served, tabs } = await opened(test)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/topic/tea')
    await served.close()
    // Nobody is there: each wait is longer than the one before.
    await tab.getByText(/^lost; again in [4-9] s$/).waitFor()
    const again = await servedPage({}, served.port)
    test.onTestFinished(() => again.close())
    await tab.getByRole('button', { name: 'Now' }).click()
    await connected(tab)
    await until(() => again.broker.stats().subscriptions === 1, 'the subscription')
    tabs.expectNoFault(/ERR_CONNECTION_REFUSED/)
  })

  it('follows a hundred messages a second, and can be used meanwhile', async (test) => {
    const { served, tabs } = await opened(test)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/topic/**')
    await tab.evaluate(watchRefreshes)
    let sent = 0
    const ticks = setInterval(() => {
      for (let each = 0; each < 10; each++) served.broker.publish('/topic/ticks', `tick ${++sent}`)
    }, 100)
    test.onTestFinished(() => clearInterval(ticks))
    await rows(tab, 'tick 100').first().waitFor()
    await tab.getByRole('button', { name: 'Pause' }).click()
    await tab.getByRole('button', { name: /^Go on \(\d+\)$/ }).click()
    await tab.getByRole('searchbox').fill('tick 2')
    await rows(tab, 'tick 250').waitFor()
    expect(await tab.locator('.frame:visible', { hasNotText: 'tick 2' }).count()).toBe(0)
    await tab.getByRole('searchbox').fill('')
    await rows(tab, 'tick 600').waitFor()
    clearInterval(ticks)
    await rows(tab, `tick ${sent}`).waitFor()
    // Every one was counted: CONNECTED and the RECEIPT came beside them; and the list holds the last.
    await tab.getByText(`${sent + 2} in, 2 out`).waitFor()
    const texts = await tab.locator('.frame .preview').allInnerTexts()
    expect(texts).toEqual(Array.from({ length: 500 }, (_, at) => `tick ${sent - 499 + at}`))
    expect(await tab.locator('#scroll').evaluate(isAtEnd)).toBe(true)
    console.log(`longest time between two refreshes of the screen: ${await tab.evaluate('longestMs')} ms`)
    tabs.expectNoFault()
  })

  it('has buttons to acknowledge where the mode wants it', async (test) => {
    const { served, tabs } = await opened(test)
    const { broker } = served
    const tab = await tabs.visit(served.url)
    await connected(tab)
    for (const job of ['wash', 'dry', 'iron', 'fold', 'wear']) broker.publish('/queue/jobs', job)
    await subscribe(tab, '/queue/jobs', 'client')
    await tab.getByText('5 of 5 wait').waitFor()
    await row(tab, 'dry').getByRole('button', { name: 'Ack', exact: true }).click()
    await until(() => broker.stats().messages === 3, 'two that are acknowledged')
    await tab.getByText('3 of 5 wait').waitFor()
    expect(await row(tab, 'wash').textContent()).toContain('acknowledged')
    await row(tab, 'iron').getByRole('button', { name: 'Nack' }).click()
    await tab.getByText('3 of 6 wait').waitFor()
    await rows(tab, 'iron').nth(1).waitFor()
    await tab.getByRole('button', { name: 'Acknowledge all of /queue/jobs' }).click()
    await until(() => broker.stats().messages === 0, 'an empty queue')
    tabs.expectNoFault()
  })

  it('shows what a frame holds as text, whatever it is: markup, JSON in lines, other octets in hex', async (test) => {
    const { served, tabs } = await opened(test)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/topic/**')
    const markup = '<img src="https://example.org/x" onerror="document.title = 1"><script>document.title = 2</script>'
    served.broker.publish(`/topic/${markup}`, markup, { headers: { [markup]: markup } })
    served.broker.publish('/topic/a', '{"a":[1]}')
    served.broker.publish('/topic/a', new Uint8Array([0, 255, 65]))
    await rows(tab, '3 octets').waitFor()
    for (const each of await rows(tab, 'MESSAGE').all()) await each.click()
    const bodies = await tab.locator('.inside pre').allInnerTexts()
    expect(bodies).toEqual([markup, '{\n  "a": [\n    1\n  ]\n}', expect.stringMatching(/^000000 {2}00 ff 41 +··A$/)])
    expect(await tab.locator('.frames img, .frames script').count()).toBe(0)
    expect(await tab.title()).toBe('xtomp')
    tabs.expectNoFault()
  })

  it('does not ask again for what the broker refuses, and shows its code and its text', async (test) => {
    const { served, tabs } = await opened(test)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/queue/*')
    await rows(tab, 'ERRORpattern-refused').waitFor()
    await state(tab, 'lost; again in 1 s')
    await connected(tab)
    await until(() => served.broker.stats().sessions === 1, 'a session')
    expect(await tab.getByRole('button', { name: 'Unsubscribe from /queue/*' }).count()).toBe(0)
    await subscribe(tab, '/topic/fine')
    await until(() => served.broker.stats().subscriptions === 1, 'another subscription')
    expect(await rows(tab, 'ERROR').count()).toBe(1)
    expect(await tab.getByRole('alert').count()).toBe(0)
    tabs.expectNoFault()
  })

  it('asks for a login where it is refused without, and shows no passcode', async (test) => {
    const authenticate = ({ login, passcode }: { login?: string | undefined; passcode?: string | undefined }) =>
      login === 'ann' && passcode === 'tiptop' && { name: 'ann' }
    const { served, tabs } = await opened(test, { hooks: { authenticate } })
    const tab = await tabs.visit(served.url)
    await state(tab, 'refused')
    expect(await tab.getByRole('alert').textContent()).toContain('auth-failed')
    await tab.getByLabel('Login').fill('ann')
    await tab.getByLabel('Passcode').fill('tiptop')
    await tab.getByLabel('Passcode').press('Enter')
    await connected(tab)
    for (const each of await rows(tab, 'CONNECT').all()) await each.click()
    const text = await tab.locator('#frames').textContent()
    expect(text).toContain('ann')
    expect(text).toContain('***')
    expect(text).not.toContain('tiptop')
    tabs.expectNoFault()
  })

  it('shows a conversation as the README does (XTOMP_SCREENSHOT names the file of a new picture)', async (test) => {
    const picture = process.env.XTOMP_SCREENSHOT
    const { served, tabs } = await opened(test, {}, {}, picture === undefined ? 0 : 61_614)
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await subscribe(tab, '/topic/prices.*')
    await subscribe(tab, '/queue/orders', 'client-individual')
    await until(() => served.broker.stats().subscriptions === 2, 'both subscriptions')
    const prices = { 'content-type': 'application/json' }
    for (const [market, item, price] of [
      ['eu', 'tea', 4.2],
      ['us', 'tea', 4.6],
      ['eu', 'coffee', 7.9],
    ])
      served.broker.publish(`/topic/prices.${market}`, JSON.stringify({ item, price }), { headers: prices })
    for (const order of ['3 tea', '1 coffee']) served.broker.publish('/queue/orders', order)
    await row(tab, '3 tea').getByRole('button', { name: 'Ack', exact: true }).click()
    await send(tab, '/topic/prices.eu', '{ "item": "bread", "price": 3.1 }', '')
    await row(tab, 'bread').locator('summary').last().click()
    await tab.getByText('9 in, 5 out').waitFor()
    await tab.locator('#send summary').click()
    await tab.mouse.move(0, 0)
    expect(await tab.locator('#scroll').evaluate(isAtEnd)).toBe(true)
    if (picture !== undefined) await tab.screenshot({ path: picture })
    expect(await rows(tab, 'MESSAGE').count()).toBe(6)
    tabs.expectNoFault()
  })

  it('fits a telephone, and needs no mouse', async (test) => {
    const { served, tabs } = await opened(test, {}, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    const tab = await tabs.visit(served.url)
    await connected(tab)
    await tab.locator('#subscribe').getByLabel('Destination').press('Enter')
    await until(() => served.broker.stats().subscriptions === 1, 'the subscription')
    await tab.locator('#send').getByLabel('Body').press('Control+Enter')
    await rows(tab, 'MESSAGE').waitFor()
    await rows(tab, 'MESSAGE').press('Enter')
    await tab.locator('.inside').waitFor()
    await tab.keyboard.press('/')
    await tab.keyboard.type('nothing like it')
    await rows(tab, 'MESSAGE').waitFor({ state: 'hidden' })
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(360)
    // All that can be pressed or filled in has a name.
    const unnamed = await tab.locator('button, input, select, textarea, a').evaluateAll(withoutName)
    expect(unnamed).toEqual([])
    tabs.expectNoFault()
  })
})

/** Another site, of one page with one link. */
async function siteThatLinksTo(url: string, test: TestContext): Promise<string> {
  const page = `<!doctype html><title>another</title><link rel="icon" href="data:,"><a href="${url}">win a prize</a>`
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(page))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  test.onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function state(tab: Page, text: string): Promise<void> {
  await tab.locator('#state').getByText(text, { exact: true }).waitFor()
}

function connected(tab: Page): Promise<void> {
  return state(tab, 'connected')
}

async function subscribe(tab: Page, destination: string, ack = 'auto'): Promise<void> {
  const form = tab.locator('#subscribe')
  await form.getByLabel('Destination').fill(destination)
  await form.getByRole('combobox', { name: 'Acknowledge' }).selectOption(ack)
  await form.getByRole('button', { name: 'Subscribe', exact: true }).click()
}

async function send(tab: Page, destination: string, body: string, headers: string): Promise<void> {
  const form = tab.locator('#send')
  await form.getByText('Headers', { exact: true }).click()
  await form.getByLabel('Others').fill(headers)
  await form.getByLabel('Destination').fill(destination)
  await form.getByLabel('Body').fill(body)
  await form.getByRole('button', { name: 'Send' }).click()
}

/** Rows of the list that hold a text. */
function row(tab: Page, text: string) {
  return tab.locator('.frame', { hasText: text })
}

/** What there is of them to press. */
function rows(tab: Page, text: string) {
  return row(tab, text).locator('summary')
}

/** In the page: keeps the longest time between two refreshes of the screen. */
function watchRefreshes(): void {
  let last = performance.now()
  const shown = Object.assign(globalThis, { longestMs: 0 })
  const look = (now: number): void => {
    shown.longestMs = Math.max(shown.longestMs, Math.round(now - last))
    last = now
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** In the page: whether nothing is below what is seen. */
function isAtEnd({ scrollHeight, scrollTop, clientHeight }: Element): boolean {
  return scrollHeight - scrollTop - clientHeight < 2
}

/** In the page: those that a reader of the screen would have no word for. */
function withoutName(all: Element[]): string[] {
  const nameOf = (one: Element): string =>
    [one.getAttribute('aria-label'), one.closest('label')?.textContent, one.textContent].join('').trim()
  return all.filter((one) => nameOf(one) === '').map((one) => one.outerHTML)
}

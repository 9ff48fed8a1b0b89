/** How the report looks, in the light and in the dark. */

/** Its style sheet. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #14181f; --soft: #5b6472; --line: #e3e6eb; --fault: #b3261e;
  --s0: #2563c9; --s1: #d9601a; --p50: #2563c9; --p99: #d9601a; --max: #9a3a8f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11141a; --card: #191e26; --ink: #e8ebf0; --soft: #9aa4b2; --line: #2b323d; --fault: #ff8a80;
    --s0: #6ea8ff; --s1: #ff9d5c; --p50: #6ea8ff; --p99: #ff9d5c; --max: #d98fd0;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { margin: 0; font-size: 34px; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 32px 0 12px; font-size: 18px; }
.kind { margin: 0; color: var(--soft); font-size: 13px; letter-spacing: 0.06em; text-transform: uppercase; }
.brokers { margin: 8px 0 4px; font: 14px ui-monospace, monospace; }
.broker { margin-right: 16px; white-space: nowrap; }
.broker::before { content: ''; display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 3px; background: var(--s0); }
.broker.s1::before { background: var(--s1); }
.asked { margin: 2px 0; color: var(--soft); font-size: 13px; }
.fault { margin: 12px 0 0; padding: 10px 14px; border-left: 4px solid var(--fault); background: var(--card); color: var(--fault); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 24px 0 12px; }
.card, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.card { display: flex; flex-direction: column; padding: 12px 16px; }
.card .title { color: var(--soft); font-size: 13px; }
.card .value { font-size: 24px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; white-space: nowrap; }
.value.s1 { font-size: 17px; color: var(--s1); }
.value.s0:not(:last-child) { color: var(--s0); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 12px; }
figure { margin: 0; padding: 14px 12px 6px; min-width: 0; overflow: hidden; }
figcaption { padding: 0 6px 6px; font-weight: 600; }
figcaption small { display: block; color: var(--soft); font-weight: 400; font-size: 12.5px; }
.u-legend { font-size: 12.5px; color: var(--soft); }
.u-legend .u-value { color: var(--ink); font-variant-numeric: tabular-nums; }
.u-select { background: color-mix(in srgb, var(--s0) 14%, transparent); }
.u-hz .u-cursor-x, .u-hz .u-cursor-y { border-color: var(--soft); }
section > table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-bottom: 48px; }
caption { padding: 0 0 8px; text-align: left; color: var(--soft); font-size: 13px; }
section > table th, section > table td { padding: 5px 16px; border-top: 1px solid var(--line); text-align: right; font-variant-numeric: tabular-nums; }
section > table tbody th { font-weight: 400; text-align: left; }
section > table thead th { border-top: 0; font: 13px ui-monospace, monospace; color: var(--soft); }
`

/** May this user do that there? */

import { printable, StompError } from '../errors.js'
import { ask, type Step } from './ask.js'
import type { AccessRequest } from './hooks.js'
import type { Session } from './session.js'

/** Asks the `authorize` hook, where there is one, and goes on if it allows. */
export function authorize(
  session: Session,
  access: Pick<AccessRequest<unknown>, 'action' | 'destination' | 'isPattern'>,
  next: () => Step,
): Step {
  const { hooks } = session.context
  if (hooks.authorize === undefined) return next()
  const request = { ...access, user: session.user, session: session.info }
  return ask(session, { hook: 'authorize', ask: () => hooks.authorize?.(request) }, (isAllowed) => {
    if (isAllowed !== true) {
      throw new StompError(
        'access-refused',
        `you may not ${access.action === 'send' ? 'send' : 'subscribe'} to ${printable(access.destination)}`,
      )
    }
    return next()
  })
}

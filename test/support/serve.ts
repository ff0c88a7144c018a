/** `spoke serve`, except that its worker polls as often as tests want it. */
import { serve } from '../../src/cli/serve.ts'
import { shortPolls } from './poll-periods.ts'

await serve({}, shortPolls)

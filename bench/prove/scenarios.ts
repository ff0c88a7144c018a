/** All scenarios, in the order of the table. The long ones come first, so that a run does not end with one of them. */
import type { Scenario } from './scenario.ts'
import { changeScenarios } from './scenarios/changes.ts'
import { deletionScenarios } from './scenarios/deletions.ts'
import { eventScenarios } from './scenarios/events.ts'
import { feedScenarios } from './scenarios/feed.ts'
import { outageScenarios } from './scenarios/outages.ts'
import { pagingScenarios } from './scenarios/paging.ts'
import { processScenarios } from './scenarios/processes.ts'
import { recordScenarios } from './scenarios/records.ts'
import { tokenScenarios } from './scenarios/tokens.ts'

export const scenarios: readonly Scenario[] = [
  ...changeScenarios,
  ...processScenarios,
  ...tokenScenarios,
  ...outageScenarios,
  ...pagingScenarios,
  ...deletionScenarios,
  ...recordScenarios,
  ...eventScenarios,
  ...feedScenarios,
]

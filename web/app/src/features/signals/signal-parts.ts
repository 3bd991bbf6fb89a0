// What is shown of a signal, in the list and beside it.
import { graphql } from '../../lib/graphql';

export const SignalParts = graphql(`
  fragment SignalParts on Signal {
    id version source number value status missing submittedAt deadlineAt completedAt deliveredAt
    submittedBy { name ... on User { id } }
    results {
      processor
      isLate
      recordedAt
      finding {
        __typename
        ... on StatisticsFinding { count mean deviation zScore isAnomaly }
        ... on TrendFinding { count slope fit direction }
        ... on LevelFinding { level previousLevel isChange }
      }
    }
    notification { text recordedAt }
  }
`);

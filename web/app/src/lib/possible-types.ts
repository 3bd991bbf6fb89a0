// What an interface or a union may be, for the cache. A test holds it against the schema.
export const possibleTypes = {
  Actor: ['System', 'User'],
  Node: [
    'Chat',
    'Comment',
    'Customer',
    'DeadLetter',
    'Message',
    'Post',
    'Signal',
    'Student',
    'User',
    'UserSession',
  ],
  SignalFinding: ['LevelFinding', 'StatisticsFinding', 'TrendFinding'],
};

//! Every field of the schema, and what comes of asking for it. `what` is the row of the table in docs/client/permissions.md that promises it.
//! In documents `<name>` stands for an id or a text of the world; `it` names the value that must be there.

use Outcome::{Forbidden as F, Invalid as V, Missing as N, Nothing as O, Unknown as U, Yes as Y};

/// What must come of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Yes,
    /// An answer without errors, and without anything in it.
    Nothing,
    /// UNAUTHENTICATED: sign in first.
    Unknown,
    /// FORBIDDEN.
    Forbidden,
    /// NOT_FOUND, as if it did not exist.
    Missing,
    /// VALIDATION.
    Invalid,
}

pub struct Row {
    pub what: &'static str,
    pub field: &'static str,
    pub document: &'static str,
    /// Of nobody, a member of the chat, a member who is not in the chat, staff, an administrator; the last two are not in the
    /// chat either.
    pub outcomes: [Outcome; 5],
}

const fn row(
    what: &'static str,
    field: &'static str,
    document: &'static str,
    outcomes: [Outcome; 5],
) -> Row {
    Row {
        what,
        field,
        document,
        outcomes,
    }
}

const OPEN: &str = "Read the schema, register, sign in, renew a session";
const SELF: &str = "See and change oneself: profile, availability, password, sessions, history; deactivate oneself";
const READ_CUSTOMERS: &str =
    "Read, list, count and follow customers, their histories and statistics";
const WRITE_CUSTOMERS: &str = "Create, update, delete and restore customers";
const READ_STUDENTS: &str = "Read, list, count and follow students, their histories and statistics";
const WRITE_STUDENTS: &str = "Create, update, delete, restore and import students";
const READ_POSTS: &str = "Read, list and follow posts and their comments, and what they were";
const WRITE_POSTS: &str = "Write posts and comments, like posts; change and remove one's own";
const MODERATE_POSTS: &str = "Delete the posts and remove the comments of others";
const SIGNALS: &str = "Submit signals; read, list and follow all of them, and their histories";
const OPERATIONS: &str = "See how the processes do";
const READ_LOG: &str = "Read and follow the event log, but not what is written in chats";
const OPERATE: &str =
    "Hold followers and handlers, replay and discard dead letters, disconnect users";
const READ_USERS: &str = "Read, list and follow users, and whether they are here";
const USER_DETAILS: &str = "Read other users' email addresses and histories";
const SOCKETS: &str = "See how many sockets users have, and at which gateways";
const MANAGE: &str = "Give roles, deactivate others and make them active again";
const ERASE: &str = "Erase the personal data of deactivated users";
const READ_MODELS: &str = "Watch read models, and have them built anew";
const USE_CHATS: &str = "Begin chats, list and follow one's own";
const IN_CHAT: &str =
    "Read, write in and follow a chat; rename it, add members, leave; delete one's own messages";
const OWN_CHAT: &str = "Remove members from a chat";

/// Open to all; only for those who signed in; only for staff; only for administrators; only for members of the chat. What is looked
/// up by an id of any kind is not there for others.
const ALL: [Outcome; 5] = [Y, Y, Y, Y, Y];
const SIGNED_IN: [Outcome; 5] = [U, Y, Y, Y, Y];
const STAFF: [Outcome; 5] = [U, F, F, Y, Y];
const STAFF_SEE: [Outcome; 5] = [U, O, O, Y, Y];
const ADMIN: [Outcome; 5] = [U, F, F, F, Y];
const MEMBER: [Outcome; 5] = [U, Y, N, N, N];
const MEMBER_SEES: [Outcome; 5] = [U, Y, O, O, O];

#[rustfmt::skip] // A row a line, so that it can be read as a table.
pub const TABLE: &[Row] = &[
    // Queries
    row(OPEN, "me", "{ me { id } }", [O, Y, Y, Y, Y]),
    row(SELF, "me", "{ me { it: sessions { id } } }", [O, Y, Y, Y, Y]),
    row(READ_CUSTOMERS, "customer", "{ customer(id: <customer>) { id email } }", STAFF),
    row(READ_CUSTOMERS, "customer", "{ customer(id: <customer>) { history(first: 1) { it: nodes { data } } } }", STAFF),
    row(READ_CUSTOMERS, "customers", "{ customers(first: 1) { nodes { id } } }", STAFF),
    row(READ_CUSTOMERS, "customers", "{ customers(first: 1) { totalCount } }", STAFF),
    row(READ_CUSTOMERS, "customerStatistics", "{ customerStatistics { total } }", STAFF),
    row(READ_USERS, "userStatistics", "{ userStatistics { total } }", SIGNED_IN),
    row(OPERATIONS, "chatStatistics", "{ chatStatistics { total } }", ADMIN),
    row(READ_POSTS, "postStatistics", "{ postStatistics { total } }", SIGNED_IN),
    row(READ_STUDENTS, "studentStatistics", "{ studentStatistics { total } }", STAFF),
    row(SIGNALS, "signalStatistics", "{ signalStatistics { total } }", SIGNED_IN),
    row(READ_CUSTOMERS, "node", "{ node(id: <customer>) { id } }", STAFF_SEE),
    row(READ_CUSTOMERS, "customer", "{ customer(id: <customer>) { createdBy { name } updatedBy { name } } }", STAFF),
    row(READ_CUSTOMERS, "nodes", "{ nodes(ids: [<customer>]) { id ... on Customer { it: email } } }", STAFF_SEE),
    row(READ_STUDENTS, "student", "{ student(id: <student>) { id email } }", STAFF),
    row(READ_STUDENTS, "student", "{ student(id: <student>) { history(first: 1) { it: nodes { data } } } }", STAFF),
    row(READ_STUDENTS, "students", "{ students(first: 1) { nodes { id } } }", STAFF),
    row(READ_STUDENTS, "students", "{ students(first: 1) { totalCount } }", STAFF),
    row(READ_STUDENTS, "node", "{ node(id: <student>) { id } }", STAFF_SEE),
    row(READ_POSTS, "post", "{ post(id: <post>) { id } }", SIGNED_IN),
    row(READ_POSTS, "post", "{ post(id: <post>, asOfVersion: 2) { message comments { nodes { text } } } }", SIGNED_IN),
    row(READ_POSTS, "post", "{ post(id: <post>) { history(first: 1) { it: nodes { data } } } }", SIGNED_IN),
    row(READ_POSTS, "posts", "{ posts(first: 1) { nodes { id } } }", SIGNED_IN),
    row(READ_POSTS, "posts", "{ posts(first: 1) { totalCount } }", SIGNED_IN),
    row(READ_POSTS, "trendingPosts", "{ trendingPosts(window: WEEK, first: 1) { score post { id } } }", SIGNED_IN),
    row(READ_POSTS, "post", "{ post(id: <post>) { likers(first: 1) { it: nodes { name } } } }", SIGNED_IN),
    row(READ_POSTS, "user", "{ user(id: <owner>) { posts(first: 1) { it: nodes { message } } } }", SIGNED_IN),
    row(READ_POSTS, "node", "{ node(id: <post>) { id } }", SIGNED_IN),
    row(READ_POSTS, "node", "{ node(id: <comment>) { id ... on Comment { text post { message } } } }", SIGNED_IN),
    row(SIGNALS, "signal", "{ signal(id: <signal>) { value results { processor } } }", SIGNED_IN),
    row(SIGNALS, "signal", "{ signal(id: <signal>) { history(first: 1) { it: nodes { data } } } }", SIGNED_IN),
    row(SIGNALS, "signals", "{ signals(first: 1) { nodes { id } } }", SIGNED_IN),
    row(SIGNALS, "signals", "{ signals(first: 1) { totalCount } }", SIGNED_IN),
    row(SIGNALS, "node", "{ node(id: <signal>) { id } }", SIGNED_IN),
    row(OPERATIONS, "caches", "{ caches { name hits } }", ADMIN),
    row(OPERATIONS, "health", "{ health { isHealthy } }", ADMIN),
    row(OPERATIONS, "workerStatus", "{ workerStatus { followers { name } handlers { name } } }", ADMIN),
    row(OPERATIONS, "deadLetters", "{ deadLetters(first: 1) { totalCount nodes { id } } }", ADMIN),
    row(OPERATIONS, "deadLetter", "{ deadLetter(id: \"letter_01h455vb4pex5vsknk084sn02q\") { id } }", [U, F, F, F, O]),
    row(OPERATIONS, "node", "{ node(id: \"letter_01h455vb4pex5vsknk084sn02q\") { id } }", [U, O, O, O, O]),
    row(READ_LOG, "eventLog", "{ eventLog(last: 100) { nodes { type actor { name } data } } }", ADMIN),
    row(READ_USERS, "node", "{ node(id: <owner>) { id } }", SIGNED_IN),
    row(READ_USERS, "user", "{ user(id: <owner>) { id name bio role availability lastSeenAt } }", SIGNED_IN),
    row(READ_USERS, "users", "{ users(first: 1) { nodes { name } } }", SIGNED_IN),
    row(READ_USERS, "users", "{ users(first: 1) { totalCount } }", SIGNED_IN),
    row(USER_DETAILS, "user", "{ user(id: <owner>) { it: email } }", [U, O, O, Y, Y]),
    row(USER_DETAILS, "user", "{ user(id: <owner>) { history(first: 1) { it: nodes { data } } } }", STAFF),
    row(USER_DETAILS, "users", "{ users(first: 1, filter: { email: { startsWith: \"a\" } }) { totalCount } }", STAFF),
    row(SOCKETS, "user", "{ user(id: <owner>) { it: sockets { socketCount } } }", [U, O, O, O, Y]),
    row(SELF, "me", "{ me { it: email } }", [O, Y, Y, Y, Y]),
    row(SELF, "me", "{ me { history(first: 1) { it: nodes { data } } } }", [O, Y, Y, Y, Y]),
    row(IN_CHAT, "node", "{ node(id: <chat>) { id ... on Chat { title createdBy { name } } } }", MEMBER_SEES),
    row(IN_CHAT, "chat", "{ chat(id: <chat>) { title } }", MEMBER_SEES),
    row(IN_CHAT, "node", "{ node(id: <own_message>) { id ... on Message { text chat { title } } } }", MEMBER_SEES),
    row(IN_CHAT, "chat", "{ chat(id: <chat>) { messages(first: 5) { nodes { text author { name } } } } }", MEMBER_SEES),
    row(IN_CHAT, "chat", "{ chat(id: <chat>) { memberCount members { user { name } } unreadCount } }", MEMBER_SEES),
    row(IN_CHAT, "chat", "{ chat(id: <chat>) { history(first: 5) { nodes { data } } } }", MEMBER_SEES),
    row(USE_CHATS, "chats", "{ chats(first: 5) { nodes { title } } }", SIGNED_IN),
    row(READ_MODELS, "readModels", "{ readModels { name rebuild { phase } } }", ADMIN),
    row(ERASE, "erasure", "{ erasure(userId: <owner>) { finishedAt } }", [U, F, F, F, O]),
    row(ERASE, "erasures", "{ erasures { user { id } } }", ADMIN),
    // Mutations
    row(OPEN, "register", "mutation { register(input: { email: <new_email>, name: \"New\", password: <password> }) { user { id } } }", ALL),
    row(OPEN, "signIn", "mutation { signIn(input: { email: <owner_email>, password: <owner_password> }) { user { id } } }", ALL),
    row(OPEN, "refresh", "mutation { refresh(input: { refreshToken: <owner_refresh> }) { user { id } } }", ALL),
    row(OPEN, "requestPasswordReset", "mutation { requestPasswordReset(input: { email: <owner_email> }) { isAccepted } }", ALL),
    // Nobody has these tokens, whoever asks.
    row(OPEN, "resetPassword", "mutation { resetPassword(input: { token: \"none\", newPassword: <password> }) { user { id } } }", [V, V, V, V, V]),
    row(OPEN, "verifyEmail", "mutation { verifyEmail(input: { token: \"none\" }) { user { id } } }", [V, V, V, V, V]),
    row(OPEN, "requestEmailVerification", "mutation { requestEmailVerification(input: { email: <owner_email> }) { isAccepted } }", ALL),
    row(SELF, "signOut", "mutation { signOut(input: {}) { signedOut } }", SIGNED_IN),
    // Nobody has this one.
    row(SELF, "endSession", "mutation { endSession(input: { id: \"session_01h455vb4pex5vsknk084sn02q\" }) { session { id } } }", [U, N, N, N, N]),
    row(SELF, "changePassword", "mutation { changePassword(input: { currentPassword: <own_password>, newPassword: <password> }) { user { id } } }", SIGNED_IN),
    row(SELF, "updateProfile", "mutation { updateProfile(input: { name: \"Renamed\" }) { user { id } } }", SIGNED_IN),
    row(SELF, "setAvatar", "mutation($picture: Upload!) { setAvatar(input: { picture: $picture }) { user { id } } }", SIGNED_IN),
    row(SELF, "removeAvatar", "mutation { removeAvatar { user { id } } }", SIGNED_IN),
    row(SELF, "setAvailability", "mutation { setAvailability(input: { availability: BUSY }) { user { id } } }", SIGNED_IN),
    row(SELF, "deactivateUser", "mutation { deactivateUser(input: {}) { user { id } } }", SIGNED_IN),
    row(MANAGE, "reactivateUser", "mutation { reactivateUser(input: { id: <owner> }) { user { id } } }", ADMIN),
    row(MANAGE, "deactivateUser", "mutation { deactivateUser(input: { id: <owner> }) { user { id } } }", ADMIN),
    row(MANAGE, "setRole", "mutation { setRole(input: { id: <owner>, role: STAFF }) { user { id } } }", ADMIN),
    row(WRITE_CUSTOMERS, "createCustomer", "mutation { createCustomer(input: { name: \"New\", email: <new_email> }) { customer { id } } }", STAFF),
    row(WRITE_CUSTOMERS, "updateCustomer", "mutation { updateCustomer(input: { id: <customer>, name: \"Changed\" }) { customer { id } } }", STAFF),
    row(WRITE_CUSTOMERS, "deleteCustomer", "mutation { deleteCustomer(input: { id: <customer> }) { customer { id } } }", STAFF),
    row(WRITE_CUSTOMERS, "restoreCustomer", "mutation { restoreCustomer(input: { id: <deleted_customer> }) { customer { id } } }", STAFF),
    row(WRITE_CUSTOMERS, "createCustomers", "mutation { createCustomers(input: { rows: [{ name: \"New\", email: <new_email> }] }) { done } }", STAFF),
    row(WRITE_CUSTOMERS, "updateCustomers", "mutation { updateCustomers(input: { rows: [{ id: <customer>, name: \"Changed\" }] }) { done } }", STAFF),
    row(WRITE_CUSTOMERS, "deleteCustomers", "mutation { deleteCustomers(input: { rows: [{ id: <customer> }] }) { done } }", STAFF),
    row(WRITE_CUSTOMERS, "restoreCustomers", "mutation { restoreCustomers(input: { rows: [{ id: <deleted_customer> }] }) { done } }", STAFF),
    row(WRITE_STUDENTS, "createStudent", "mutation { createStudent(input: { name: \"New\", email: <new_email>, course: \"Law\" }) { student { id } } }", STAFF),
    row(WRITE_STUDENTS, "updateStudent", "mutation { updateStudent(input: { id: <student>, name: \"Changed\" }) { student { id } } }", STAFF),
    row(WRITE_STUDENTS, "deleteStudent", "mutation { deleteStudent(input: { id: <student> }) { student { id } } }", STAFF),
    row(WRITE_STUDENTS, "restoreStudent", "mutation { restoreStudent(input: { id: <deleted_student> }) { student { id } } }", STAFF),
    row(WRITE_STUDENTS, "createStudents", "mutation { createStudents(input: { rows: [{ name: \"New\", email: <new_email>, course: \"Law\" }] }) { done } }", STAFF),
    row(WRITE_STUDENTS, "updateStudents", "mutation { updateStudents(input: { rows: [{ id: <student>, name: \"Changed\" }] }) { done } }", STAFF),
    row(WRITE_STUDENTS, "deleteStudents", "mutation { deleteStudents(input: { rows: [{ id: <student> }] }) { done } }", STAFF),
    row(WRITE_STUDENTS, "restoreStudents", "mutation { restoreStudents(input: { rows: [{ id: <deleted_student> }] }) { done } }", STAFF),
    row(WRITE_STUDENTS, "importStudents", "mutation { importStudents(input: { rows: [{ name: \"New\", email: <new_email>, course: \"Law\" }] }) { created } }", STAFF),
    row(WRITE_POSTS, "createPost", "mutation { createPost(input: { message: \"New\" }) { post { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "updatePost", "mutation { updatePost(input: { id: <own_post>, message: \"Changed\" }) { post { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "likePost", "mutation { likePost(input: { id: <post> }) { post { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "unlikePost", "mutation { unlikePost(input: { id: <post> }) { post { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "deletePost", "mutation { deletePost(input: { id: <own_post> }) { post { version } } }", SIGNED_IN),
    row(WRITE_POSTS, "addComment", "mutation { addComment(input: { postId: <post>, text: \"New\" }) { comment { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "updateComment", "mutation { updateComment(input: { id: <own_comment>, text: \"Changed\" }) { comment { id } } }", SIGNED_IN),
    row(WRITE_POSTS, "deleteComment", "mutation { deleteComment(input: { id: <own_comment> }) { comment { id } } }", SIGNED_IN),
    row(MODERATE_POSTS, "deleteComment", "mutation { deleteComment(input: { id: <comment> }) { comment { id } } }", STAFF),
    row(MODERATE_POSTS, "deletePost", "mutation { deletePost(input: { id: <post> }) { post { version } } }", STAFF),
    row(SIGNALS, "submitSignal", "mutation { submitSignal(input: { source: \"new\", value: 1 }) { signal { id } } }", SIGNED_IN),
    row(USE_CHATS, "createChat", "mutation { createChat(input: { kind: GROUP, title: \"New\", memberIds: [<owner>] }) { chat { id } } }", SIGNED_IN),
    row(IN_CHAT, "renameChat", "mutation { renameChat(input: { id: <chat>, title: \"Renamed\" }) { chat { id } } }", MEMBER),
    row(IN_CHAT, "addChatMembers", "mutation { addChatMembers(input: { id: <chat>, userIds: [<outsider>] }) { chat { id } } }", MEMBER),
    row(IN_CHAT, "leaveChat", "mutation { leaveChat(input: { id: <chat> }) { __typename } }", MEMBER),
    row(IN_CHAT, "sendMessage", "mutation { sendMessage(input: { chatId: <chat>, text: \"Hello\" }) { message { id } } }", MEMBER),
    row(IN_CHAT, "updateMessage", "mutation { updateMessage(input: { id: <own_message>, text: \"Changed\" }) { message { id } } }", MEMBER),
    row(IN_CHAT, "deleteMessage", "mutation { deleteMessage(input: { id: <own_message> }) { message { id } } }", MEMBER),
    row(IN_CHAT, "markChatRead", "mutation { markChatRead(input: { id: <chat> }) { chat { id } } }", MEMBER),
    row(IN_CHAT, "markChatDelivered", "mutation { markChatDelivered(input: { id: <chat> }) { chat { id } } }", MEMBER),
    row(IN_CHAT, "setTyping", "mutation { setTyping(input: { id: <chat> }) { __typename } }", MEMBER),
    row(OWN_CHAT, "removeChatMember", "mutation { removeChatMember(input: { id: <own_chat>, userId: <peer> }) { chat { id } } }", MEMBER),
    row(READ_MODELS, "rebuildReadModel", "mutation { rebuildReadModel(input: { name: \"posts\" }) { readModel { name } } }", ADMIN),
    row(ERASE, "eraseUser", "mutation { eraseUser(input: { id: <gone> }) { erasure { user { id } } } }", ADMIN),
    row(OPERATE, "pauseWorker", "mutation { pauseWorker(input: { name: \"customer_statistics\" }) { workerStatus { followers { name } } } }", ADMIN),
    row(OPERATE, "resumeWorker", "mutation { resumeWorker(input: { name: \"customer_statistics\" }) { workerStatus { followers { name } } } }", ADMIN),
    row(OPERATE, "replayDeadLetters", "mutation { replayDeadLetters(input: { all: true }) { replayed left } }", ADMIN),
    row(OPERATE, "discardDeadLetters", "mutation { discardDeadLetters(input: { filter: { fingerprint: \"0\" } }) { discarded } }", ADMIN),
    row(OPERATE, "disconnectUser", "mutation { disconnectUser(input: { id: <owner> }) { endedSessions } }", ADMIN),
    // Subscriptions
    row(OPERATIONS, "workerStatus", "subscription { workerStatus { followers { name } } }", ADMIN),
    row(READ_LOG, "eventLog", "subscription { eventLog(after: <start>) { type actor { name } data } }", ADMIN),
    row(READ_CUSTOMERS, "customerChanged", "subscription { customerChanged(after: <start>) { customer { email } } }", STAFF),
    row(READ_CUSTOMERS, "customerStatistics", "subscription { customerStatistics { total } }", STAFF),
    row(READ_USERS, "userStatistics", "subscription { userStatistics { total } }", SIGNED_IN),
    row(OPERATIONS, "chatStatistics", "subscription { chatStatistics { total } }", ADMIN),
    row(READ_POSTS, "postStatistics", "subscription { postStatistics { total } }", SIGNED_IN),
    row(READ_STUDENTS, "studentStatistics", "subscription { studentStatistics { total } }", STAFF),
    row(SIGNALS, "signalStatistics", "subscription { signalStatistics { total } }", SIGNED_IN),
    row(READ_STUDENTS, "studentChanged", "subscription { studentChanged(after: <start>) { student { email } } }", STAFF),
    row(READ_POSTS, "postChanged", "subscription { postChanged(id: <post>, after: <start>) { post { message } } }", SIGNED_IN),
    row(READ_POSTS, "postChanged", "subscription { postChanged(after: <start>) { post { message } } }", SIGNED_IN),
    row(READ_POSTS, "postFeed", "subscription { postFeed(after: <start>) { post { message } } }", SIGNED_IN),
    row(READ_POSTS, "commentAdded", "subscription { commentAdded(postId: <post>, after: <start>) { comment { text } } }", SIGNED_IN),
    row(READ_POSTS, "trendingPosts", "subscription { trendingPosts(window: DAY) { score post { id } } }", SIGNED_IN),
    row(SIGNALS, "signalProgress", "subscription { signalProgress(id: <signal>, after: <start>) { type signal { value } } }", SIGNED_IN),
    row(SIGNALS, "signalProgress", "subscription { signalProgress(after: <start>) { type signal { value } } }", SIGNED_IN),
    row(READ_USERS, "userChanged", "subscription { userChanged(id: <owner>, after: <start>) { user { name } } }", SIGNED_IN),
    row(READ_USERS, "availabilityChanged", "subscription { availabilityChanged(userIds: [<owner>]) { availability } }", SIGNED_IN),
    row(IN_CHAT, "chatEvents", "subscription { chatEvents(id: <chat>, after: <start>) { __typename } }", MEMBER),
    row(IN_CHAT, "typing", "subscription { typing(id: <chat>) { __typename } }", MEMBER),
    row(USE_CHATS, "myChats", "subscription { myChats(after: <start>) { __typename } }", SIGNED_IN),
];

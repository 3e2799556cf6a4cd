"""Signing in, sessions, CSRF, tokens, roles."""

from controller import Client, eventually, expect, refusal

WRITES = {
    "nodes": {}, "sites": {}, "secrets": {}, "enrolment-keys": {}, "tokens": {"role": "viewer"},
    "users": {"role": "viewer"},
}


def case_nobody_is_401(c):
    answer = Client(c).get("/api/v1/nodes")
    refusal(answer, 401)
    assert "WWW-Authenticate" in answer.headers
    refusal(Client(c).put("/api/v1/nodes/rho", {}), 401)
    refusal(Client(c, token="weftt_nonsense").get("/api/v1/nodes"), 401)


def case_wrong_password_is_401(c):
    refusal(Client(c).sign_in("admin", "wrong-wrong-wrong"), 401)
    refusal(Client(c).sign_in("nobody-here", "wrong-wrong-wrong"), 401)


def case_login_body_is_checked(c):
    answer = Client(c).post("/api/v1/login", {"user": "admin"})
    refusal(answer, 422)
    assert answer.fields() == ["password"], answer.fields()


def case_cookie_is_locked_down(c):
    answer = expect(Client(c).sign_in("admin", c.password), 200)
    cookie = answer.headers["Set-Cookie"]
    for word in ("HttpOnly", "Secure", "SameSite=", "Path=/"):
        assert word in cookie, cookie
    assert answer.json["user"] == "admin" and answer.json["role"] == "admin" and answer.json["csrf"]


def case_session_says_who(c):
    session = expect(c.admin.get("/api/v1/session"), 200).json
    assert session["user"] == "admin" and session["csrf"] == c.admin.csrf


def case_write_by_cookie_needs_the_csrf_token(c):
    refusal(c.admin.put("/api/v1/nodes/csrf", {}, headers={"X-CSRF-Token": None}), 403)
    refusal(c.admin.put("/api/v1/nodes/csrf", {}, headers={"X-CSRF-Token": "wrong"}), 403)
    assert c.admin.get("/api/v1/nodes/csrf").status == 404


def case_logout_ends_the_session(c):
    client = Client(c)
    expect(client.sign_in("admin", c.password), 200)
    refusal(client.post("/api/v1/logout", headers={"X-CSRF-Token": None}), 403)
    expect(client.post("/api/v1/logout"), 204)
    refusal(client.get("/api/v1/session"), 401)


def case_token_is_shown_once_and_works_at_once(c):
    answer = expect(c.admin.put("/api/v1/tokens/ci", {"role": "operator"}), 201)
    token = answer.json["token"]
    expect(Client(c, token).get("/api/v1/nodes"), 200)
    again = expect(c.admin.put("/api/v1/tokens/ci", {"role": "operator"}), 200).json
    assert "token" not in again and again["revision"] == answer.json["revision"]
    assert token not in c.admin.get("/api/v1/tokens/ci").text
    assert token not in c.admin.get("/api/v1/history").text
    session = expect(Client(c, token).get("/api/v1/session"), 200).json
    assert session["user"] == "ci" and session["csrf"] is None
    expect(c.admin.delete("/api/v1/tokens/ci"), 204)
    refusal(Client(c, token).get("/api/v1/nodes"), 401)


def case_token_scopes_bound_it(c):
    token = expect(c.admin.put("/api/v1/tokens/narrow", {"role": "operator", "scopes": ["sites"]}),
                   201).json["token"]
    client = Client(c, token)
    expect(client.put("/api/v1/sites/narrow", {}), 201)
    refusal(client.put("/api/v1/nodes/narrow", {}), 403)
    refusal(client.get("/metrics"), 403)
    expect(client.delete("/api/v1/sites/narrow"), 204)


def case_expired_token_is_401(c):
    token = expect(c.admin.put("/api/v1/tokens/brief", {"role": "viewer", "expires": "3s"}),
                   201).json["token"]
    expect(Client(c, token).get("/api/v1/nodes"), 200)
    eventually(lambda: Client(c, token).get("/api/v1/nodes").status == 401)
    refusal(Client(c, token).get("/api/v1/nodes"), 401)


def case_roles_matrix(c):
    tokens = {}
    for role in ("viewer", "operator", "admin"):
        tokens[role] = expect(c.admin.put(f"/api/v1/tokens/m-{role}", {"role": role}), 201).json["token"]
    may_write = {
        "viewer": {"tokens"},  # their own; here the admin's, whose tokens these are
        "operator": {"nodes", "sites", "tokens"},
        "admin": set(WRITES),
    }
    for role, token in tokens.items():
        client = Client(c, token)
        for kind, spec in WRITES.items():
            expect(client.get(f"/api/v1/{kind}"), 200, 403 if role == "viewer" or kind in (
                "users", "tokens", "secrets", "enrolment-keys") else 200)
            answer = client.put(f"/api/v1/{kind}/matrix", spec)
            expect(answer, *((200, 201) if kind in may_write[role] else (403,)))
            answer = client.delete(f"/api/v1/{kind}/matrix")
            expect(answer, *((204, 404) if kind in may_write[role] else (403,)))
        answer = client.post("/api/v1/apply", {"resources": {}, "dry_run": True})
        expect(answer, 403 if role == "viewer" else 200)
        for verb in ("revoke", "approve"):
            refusal(client.post(f"/api/v1/nodes/absent/{verb}"), 404 if role == "admin" else 403)


def case_operator_may_not_make_users_by_apply(c):
    token = expect(c.admin.put("/api/v1/tokens/climber", {"role": "operator"}), 201).json["token"]
    body = {"resources": {"users": {"mallory": {"role": "admin", "password": "long-enough-password"}}}}
    refusal(Client(c, token).post("/api/v1/apply", body), 403)
    refusal(c.admin.get("/api/v1/users/mallory"), 404)


def case_operator_may_not_prune_users(c):
    body = {"resources": {"users": {"kept": {"role": "viewer"}}}, "set": "staff"}
    expect(c.admin.post("/api/v1/apply", body), 200)
    token = expect(c.admin.put("/api/v1/tokens/pruner", {"role": "operator"}), 201).json["token"]
    refusal(Client(c, token).post("/api/v1/apply", {"resources": {}, "set": "staff", "prune": True}), 403)
    expect(c.admin.get("/api/v1/users/kept"), 200)
    expect(c.admin.delete("/api/v1/users/kept"), 204)


def case_user_with_password_signs_in(c):
    answer = expect(c.admin.put("/api/v1/users/ada", {"role": "viewer", "password": "correct horse staple"}), 201)
    assert "password" not in answer.json["spec"]
    assert "horse" not in c.admin.get("/api/v1/history").text
    ada = Client(c)
    expect(ada.sign_in("ada", "correct horse staple"), 200)
    refusal(ada.put("/api/v1/nodes/by-ada", {}), 403)
    expect(c.admin.patch("/api/v1/users/ada", {"password": "another long one"}), 200)
    refusal(ada.get("/api/v1/session"), 401)
    expect(Client(c).sign_in("ada", "another long one"), 200)
    expect(c.admin.patch("/api/v1/users/ada", {"comment": "counts"}), 200)
    expect(Client(c).sign_in("ada", "another long one"), 200)


def case_short_password_names_the_field(c):
    answer = c.admin.put("/api/v1/users/short", {"role": "viewer", "password": "short"})
    refusal(answer, 422)
    assert answer.fields() == ["password"], answer.body
    refusal(c.admin.get("/api/v1/users/short"), 404)


def case_deleted_user_is_out(c):
    expect(c.admin.put("/api/v1/users/leaver", {"role": "viewer", "password": "correct horse staple"}), 201)
    leaver = Client(c)
    expect(leaver.sign_in("leaver", "correct horse staple"), 200)
    expect(c.admin.delete("/api/v1/users/leaver"), 204)
    refusal(leaver.get("/api/v1/session"), 401)


def person(c, name, role):
    expect(c.admin.put(f"/api/v1/users/{name}", {"role": role, "password": "correct horse staple"}), 201)
    client = Client(c)
    expect(client.sign_in(name, "correct horse staple"), 200)
    return client


def case_everybody_has_tokens_of_their_own(c):
    victor = person(c, "victor", "viewer")
    answer = expect(victor.put("/api/v1/tokens/cli-victor", {"role": "viewer"}), 201).json
    assert answer["spec"]["owner"] == "victor"
    program = Client(c, answer["token"])
    expect(program.get("/api/v1/nodes"), 200)
    refusal(program.put("/api/v1/nodes/by-victor", {}), 403)
    assert "operator" in refusal(victor.put("/api/v1/tokens/more", {"role": "operator"}), 403)
    refusal(victor.patch("/api/v1/tokens/cli-victor", {"role": "admin"}), 403)
    refusal(victor.put("/api/v1/tokens/gift", {"role": "viewer", "owner": "admin"}), 403)
    refusal(victor.patch("/api/v1/tokens/cli-victor", {"owner": None}), 403)
    refusal(victor.put("/api/v1/users/victor", {"role": "admin"}), 403)
    expect(victor.patch("/api/v1/tokens/cli-victor", {"comment": "mine"}), 200)
    expect(victor.post("/api/v1/tokens/cli-victor/rename", {"name": "cli-vic"}), 200)
    expect(program.delete("/api/v1/tokens/cli-vic"), 204)  # as `weft logout` does
    refusal(program.get("/api/v1/nodes"), 401)


def case_tokens_of_others_are_out_of_reach(c):
    olga = person(c, "olga", "operator")
    expect(c.admin.put("/api/v1/tokens/admins", {"role": "viewer"}), 201)
    refusal(olga.delete("/api/v1/tokens/admins"), 403)
    refusal(olga.put("/api/v1/tokens/admins", {"role": "viewer"}), 403)
    refusal(olga.post("/api/v1/tokens/admins/rename", {"name": "olgas"}), 403)
    refusal(olga.post("/api/v1/apply", {"resources": {"tokens": {"admins": {"role": "viewer"}}}}), 403)
    refusal(olga.post("/api/v1/apply", {"resources": {"tokens": {"high": {"role": "admin"}}}}), 403)
    own = {"resources": {"tokens": {"by-apply": {"role": "operator"}}}, "set": "olgas"}
    answer = expect(olga.post("/api/v1/apply", own), 200).json
    expect(Client(c, answer["shown_once"]["tokens/by-apply"]).put("/api/v1/nodes/by-olga", {}), 201)
    again = expect(olga.post("/api/v1/apply", own), 200).json
    assert again["changes"][0]["action"] == "none", again
    expect(c.admin.delete("/api/v1/nodes/by-olga"), 204)


def case_a_scoped_token_makes_no_wider_one(c):
    olga = Client(c)
    expect(olga.sign_in("olga", "correct horse staple"), 200)
    text = expect(olga.put("/api/v1/tokens/scoped", {"role": "viewer", "scopes": ["tokens"]}), 201).json["token"]
    assert "scopes" in refusal(Client(c, text).put("/api/v1/tokens/wider", {"role": "viewer"}), 403)


def case_an_admin_names_an_owner_who_bounds_the_token(c):
    answer = c.admin.put("/api/v1/tokens/too-much", {"role": "admin", "owner": "olga"})
    refusal(answer, 422)
    assert answer.fields() == ["tokens.too-much.role"], answer.body
    answer = c.admin.put("/api/v1/tokens/whose", {"role": "viewer", "owner": "nobody-here"})
    refusal(answer, 422)
    assert answer.fields() == ["tokens.whose.owner"], answer.body
    expect(c.admin.put("/api/v1/tokens/given", {"role": "operator", "owner": "olga"}), 201)


def case_tokens_follow_a_renamed_user(c):
    expect(c.admin.post("/api/v1/users/olga/rename", {"name": "helga"}), 200)
    assert c.admin.get("/api/v1/tokens/given").json["spec"]["owner"] == "helga"


def case_tokens_end_with_a_lesser_role_and_with_the_user(c):
    def mine(name, role):
        return Client(c, expect(c.admin.put(f"/api/v1/tokens/{name}", {"role": role, "owner": "helga"}),
                                201).json["token"])
    demoted = mine("demoted", "operator")
    expect(demoted.get("/api/v1/nodes"), 200)
    expect(c.admin.patch("/api/v1/users/helga", {"role": "viewer"}), 200)
    refusal(demoted.get("/api/v1/nodes"), 401)
    refusal(c.admin.get("/api/v1/tokens/demoted"), 404)
    deleted = mine("deleted", "viewer")
    expect(deleted.get("/api/v1/nodes"), 200)
    expect(c.admin.delete("/api/v1/users/helga"), 204)
    refusal(deleted.get("/api/v1/nodes"), 401)
    refusal(c.admin.get("/api/v1/tokens/deleted"), 404)
    person(c, "helga", "viewer")
    refusal(deleted.get("/api/v1/nodes"), 401)


def case_the_last_admin_stays(c):
    assert "last admin" in refusal(c.admin.delete("/api/v1/users/admin"), 409)
    assert "last admin" in refusal(c.admin.patch("/api/v1/users/admin", {"role": "operator"}), 409)
    body = {"resources": {"users": {"admin": {"role": "viewer"}}}}
    assert "last admin" in refusal(c.admin.post("/api/v1/apply", body), 409)
    expect(c.admin.put("/api/v1/users/second", {"role": "admin", "password": "correct horse staple"}), 201)
    second = Client(c)
    expect(second.sign_in("second", "correct horse staple"), 200)
    expect(second.put("/api/v1/users/second", {"role": "viewer"}), 200)
    assert "last admin" in refusal(c.admin.delete("/api/v1/users/admin"), 409)
    expect(c.admin.delete("/api/v1/users/second"), 204)

"""Last, because it locks this address out for a while."""

from controller import Client, expect, refusal


def case_too_many_attempts_are_429(c):
    expect(c.admin.put("/api/v1/users/target", {"role": "viewer", "password": "correct horse staple"}), 201)
    for _ in range(60):
        answer = Client(c).sign_in("target", "wrong-wrong-wrong")
        if answer.status == 429:
            break
        refusal(answer, 401)
    refusal(answer, 429)
    assert int(answer.headers["Retry-After"]) > 0
    refusal(Client(c).sign_in("target", "correct horse staple"), 429)
    expect(c.admin.get("/api/v1/session"), 200)

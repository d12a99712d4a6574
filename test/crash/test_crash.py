"""kill -9 of anything at any instant loses nothing that was acknowledged."""
from crash import Crash


def test_every_acknowledged_message_is_there_once_after_any_kills(tmp_path, request):
    crash = Crash(tmp_path, request.config.getoption("--seed"))
    try:
        crash.cycles(request.config.getoption("--cycles"))
    finally:
        print(crash.service.log()[-4000:])  # pytest shows it where the test fails
        if crash.service.process:
            crash.service.stop()

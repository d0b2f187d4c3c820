//! A browser without a screen: Chromium's, spoken to through its pipe (Chrome DevTools Protocol).

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::Lab;

/// What may be installed, the smallest first.
const PROGRAMS: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// A browser that looks at one page, in the client.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Value,
    asked: u64,
}

/// The browser that is installed, if any.
pub fn installed() -> Option<&'static str> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let has = |program: &&str| std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    PROGRAMS.into_iter().find(has)
}

impl Browser {
    /// Starts one that believes every name to be at `address`.
    pub fn start(lab: &Lab, program: &str, address: &str) -> Self {
        let profile = lab.file("browser");
        let mut command = lab.within("client");
        // The protocol speaks through descriptors 3 and 4.
        command.args(["sh", "-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", program]);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.args(["--disable-background-networking", "--disable-component-update", "--no-proxy-server"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        command.arg(format!("--host-resolver-rules=MAP * {address}")).arg("--remote-debugging-pipe");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self { child, to, from, session: Value::Null, asked: 0 };
        let page = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        browser.session = browser.ask("Target.attachToTarget", &attach)["sessionId"].take();
        browser
    }

    /// Goes to a page.
    pub fn open(&mut self, url: &str) {
        let opened = self.ask("Page.navigate", &json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
    }

    /// What an expression comes to on the page, once its promise is kept.
    pub fn eval(&mut self, expression: &str) -> Value {
        let wanted = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut found = self.ask("Runtime.evaluate", &wanted);
        assert!(found["exceptionDetails"].is_null(), "{found}");
        found["result"]["value"].take()
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": params });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        write!(self.to, "{message}\0").unwrap();
        self.to.flush().unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser has ended");
            let mut told: Value = serde_json::from_slice(&bytes).unwrap();
            // Others are events.
            if told["id"] == self.asked {
                assert!(told["error"].is_null(), "{method}: {told}");
                return told["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Gateways killed in the middle of everything, and started again.

use super::{MUTATIONS, Scene};
use tests::Setup;

const KILLS: usize = 6;

async fn gateway_killed(setup: Setup) {
    let mut scene = Scene::begin("gateway killed and restarted", &setup, 2, 1).await;
    for turn in 0..KILLS {
        scene
            .writers
            .await_acknowledged((turn + 1) * *MUTATIONS / (KILLS + 1))
            .await;
        let index = turn % scene.app.gateways.len();
        scene.app.gateways[index].process.kill();
        if scene.app.gateways.len() > 1 {
            // The other serves alone for a while.
            scene.writers.await_more(100).await;
        }
        scene.app.gateways[index].restart();
    }
    scene.settle().await;
}

tests::both_ways!(gateway_killed);

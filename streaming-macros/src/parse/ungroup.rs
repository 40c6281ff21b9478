//! Takes off the invisible groups that `macro_rules` puts around what it was given: `$length:expr` is the expression itself to
//! every rule of this crate.

use syn::{
    Expr, Type,
    visit_mut::{self, VisitMut},
};

/// Takes the groups off wherever precedence allows it.
pub struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        while let Expr::Group(group) = expr {
            if !is_whole(&group.expr) {
                break;
            }
            *expr = std::mem::replace(&mut *group.expr, Expr::PLACEHOLDER);
        }
    }
    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        while let Type::Group(group) = ty {
            let inner = std::mem::replace(&mut *group.elem, Type::Verbatim(Default::default()));
            *ty = inner;
        }
    }
}

/// Whether an expression means the same wherever it stands: an operator before or behind it takes all of it.
fn is_whole(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Path(_)
            | Expr::Lit(_)
            | Expr::Call(_)
            | Expr::MethodCall(_)
            | Expr::Field(_)
            | Expr::Index(_)
            | Expr::Paren(_)
            | Expr::Tuple(_)
            | Expr::Array(_)
            | Expr::Macro(_)
            | Expr::Closure(_)
    )
}

/// An expression without the groups around it.
pub fn ungrouped(mut expr: Expr) -> Expr {
    Ungroup.visit_expr_mut(&mut expr);
    expr
}
